import type { Consumer } from "../batch/consumer.ts";
import { prepareTexts } from "../table/checks/entry-check.ts";
import type { Connection } from "../table/connection.ts";
import { compareEntries, type EntryReport, EVENT_ENTRY } from "./entries.ts";
import type { EventLog } from "./rows/event-log.ts";
import { compareSums, type SumsReport } from "./sums.ts";

/** The tables, held against the audit log. */
export interface TablesReport {
  readonly ok: boolean;
  readonly entries: readonly EntryReport[];
  readonly sums: readonly SumsReport[];
}

/** Called now and then with how much of a table has been compared. */
export type OnRows = (table: string, done: number, total: number) => void;

/**
 * Holds every audited table against the audit log, and where market data differ against their topics. To be called in a
 * snapshot; the chain is `walkChain`'s to prove.
 */
export async function verifyTables(
  connection: Connection,
  consumers: readonly Consumer[],
  eventLog: EventLog,
  onRows: OnRows,
): Promise<TablesReport> {
  await prepareTexts(connection);
  const entries: EntryReport[] = [];
  const sums: SumsReport[] = [];
  for (const consumer of consumers) {
    const { table } = consumer.landing;
    if (consumer.audit === "receipt") {
      sums.push(await compareSums(connection, consumer, eventLog, onRows));
    }
    const eventType = EVENT_ENTRY[consumer.topic];
    if (eventType === undefined) continue;
    entries.push(await compareEntries(connection, consumer, eventType, (done, total) => onRows(table, done, total)));
  }
  const ok = sums.every(({ differing, claims }) => differing + claims.length === 0);
  return { ok: ok && entries.every(({ differing }) => differing === 0), entries, sums };
}

import type { Consumer } from "../batch/consumer.ts";
import { prepareTexts } from "../table/checks/entry-check.ts";
import type { Connection } from "../table/connection.ts";
import { compareEntries, type EntryReport, EVENT_ENTRY } from "./entries.ts";

/** The tables, held against the audit log. */
export interface TablesReport {
  readonly ok: boolean;
  readonly entries: readonly EntryReport[];
}

/** Called now and then with how much of a table has been compared. */
export type OnRows = (table: string, done: number, total: number) => void;

/** Holds every audited table against the audit log. To be called in a snapshot; the chain is `walkChain`'s to prove. */
export async function verifyTables(
  connection: Connection,
  consumers: readonly Consumer[],
  onRows: OnRows,
): Promise<TablesReport> {
  await prepareTexts(connection);
  const entries: EntryReport[] = [];
  for (const consumer of consumers) {
    const eventType = EVENT_ENTRY[consumer.topic];
    if (eventType === undefined) continue;
    const { table } = consumer.landing;
    entries.push(await compareEntries(connection, consumer, eventType, (done, total) => onRows(table, done, total)));
  }
  return { ok: entries.every(({ differing }) => differing === 0), entries };
}

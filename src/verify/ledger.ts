import type { Consumer } from "../batch/consumer.ts";
import { count } from "../errors.ts";
import { impossibleRows, ledgerGaps, ledgerSums, unexplainedFilter } from "../table/checks/ledger-check.ts";
import type { Connection } from "../table/connection.ts";

/** A problem, which says that something doesn't hold; or a warning. */
export interface Finding {
  readonly check: "ledger" | "table" | "letters" | "parked" | "outbox" | "audit_chain" | "orphans";
  /** The topic, table or entry that it is about. */
  readonly subject: string;
  readonly detail: string;
}

/** Finds ranges that don't follow one another, counts that can't be, and letters and parked events that aren't as counted. */
export async function checkLedger(
  connection: Connection,
  consumers: readonly Consumer[],
): Promise<{ problems: Finding[]; partitions: number }> {
  const problems: Finding[] = (await ledgerGaps(connection)).map((gap) => ({
    check: "ledger",
    subject: `${gap.topic}/${gap.partition}`,
    detail:
      gap.seq < 0
        ? `the ledger ends at offset ${gap.expected}, next_offset is ${gap.found}`
        : `row ${gap.seq} begins at offset ${gap.found}, the one before it ended at ${gap.expected}`,
  }));
  for (const { topic, partition, seq } of await impossibleRows(connection)) {
    problems.push({ check: "ledger", subject: `${topic}/${partition}`, detail: `row ${seq} counts what can't be` });
  }
  const sums = await ledgerSums(connection);
  const isKnown = (topic: string) => consumers.some((one) => topic === one.topic || topic.endsWith(`.${one.topic}`));
  for (const sum of sums) {
    const subject = `${sum.topic}/${sum.partition}`;
    if (!isKnown(sum.topic))
      problems.push({ check: "ledger", subject, detail: "no events land from a topic of this name" });
    if (sum.dead !== sum.letterRows) {
      const detail = `the ledger counts ${count(sum.dead)} letters, dead_letter holds ${count(sum.letterRows)}`;
      problems.push({ check: "letters", subject, detail });
    }
    if (sum.parked !== sum.parkedRows) {
      const detail = `the ledger counts ${count(sum.parked)} parked, parked_event holds ${count(sum.parkedRows)}`;
      problems.push({ check: "parked", subject, detail });
    }
  }
  return { problems, partitions: sums.length };
}

/** Filtered events left nothing behind, so nobody sees that one of them was to land. */
export async function findFiltered(connection: Connection, consumers: readonly Consumer[]): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const { topic: kind, landing } of consumers) {
    for (const { topic, partition, filtered } of await unexplainedFilter(connection, kind, landing.table)) {
      const detail =
        `${count(filtered)} events were filtered and no session, dropped day or replay says why: \`verify --full\` looks ` +
        "for them, unless TRADETAPE_SESSION_KINDS leaves out what is live";
      found.push({ check: "ledger", subject: `${topic}/${partition}`, detail });
    }
  }
  return found;
}

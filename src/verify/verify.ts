import type { Consumer } from "../batch/consumer.ts";
import { count } from "../errors.ts";
import {
  type CutLog,
  countAcross,
  countRows,
  cutLogs,
  inSnapshot,
  ledgerSums,
  oldOutbox,
  removedRows,
  unknownSymbols,
} from "../table/checks/ledger-check.ts";
import { deedBreaches } from "../table/checks/letter-deeds.ts";
import { type RuleBreaks, ruleBreaks } from "../table/checks/rule-breaks.ts";
import type { Connection } from "../table/connection.ts";
import { type CountedAllowance, countedAllowances } from "../table/letters/allowed-letters.ts";
import { mayLackSymbol, tablesOf } from "../table/rows/landing-table.ts";
import { walkChain } from "./chain-walk.ts";
import { checkLedger, type Finding, findFiltered } from "./ledger.ts";
import { ReservedEntries } from "./reserved-entries.ts";
import { SignedEntries, type Signing } from "./signed-entries.ts";

export interface Verification {
  readonly ok: boolean;
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
  /** Rows that break a rule, and landed all the same; docs/rules.md says when. */
  readonly rules: readonly RuleBreaks[];
  /** How much was looked at, because an empty database is "ok", too. */
  readonly partitions: number;
  readonly rows: number;
  readonly auditEntries: number;
  /** Which of them are signed, and by whom. */
  readonly signing: Signing;
  /** What may become letters without stopping its group, however much: a schema, or offsets that have not all landed. */
  readonly allowed: readonly CountedAllowance[];
  /** How many quotes are crossed or locked: markets do that, so it is no warning. */
  readonly quotes: { readonly crossed: number; readonly locked: number };
  /** Whose rows landed from a log that has been cut since: no log has their events, and they are as good as any. */
  readonly cutLogs: readonly CutLog[];
}

/** Messages wait in the outbox for moments; a minute means that nobody publishes them. */
const OUTBOX_AGE_SECONDS_MAX = 60;

/**
 * Proves that a database holds what its ledger says, in one snapshot, while consumers run.
 * @param quiet nothing is being published now: then the outbox must be empty
 */
export function verify(
  connection: Connection,
  consumers: readonly Consumer[],
  options: { readonly quiet: boolean },
): Promise<Verification> {
  return inSnapshot(connection, async () => {
    const ledger = await checkLedger(connection, consumers);
    const tables = await checkTables(connection, consumers);
    const outbox = await checkOutbox(connection, options.quiet ? 0 : OUTBOX_AGE_SECONDS_MAX);
    const chain = await checkChain(connection);
    const deeds = await checkDeeds(connection);
    const problems = [...ledger.problems, ...deeds, ...tables.problems, ...outbox, ...chain.problems];
    return {
      ok: problems.length === 0,
      problems,
      warnings: [...(await findFiltered(connection, consumers)), ...(await findOrphans(connection, consumers))],
      rules: [...(await findRuleBreaks(connection, consumers)), ...chain.reserved],
      partitions: ledger.partitions,
      rows: tables.rows,
      auditEntries: chain.entries,
      signing: chain.signing,
      allowed: await countedAllowances(connection),
      quotes: await countAcross(connection),
      cutLogs: await cutLogs(connection),
    };
  });
}

/** Letters change by deeds alone, of which the audit log tells. */
async function checkDeeds(connection: Connection): Promise<Finding[]> {
  return (await deedBreaches(connection)).map(({ kind, topic, partition, letters, first }) => {
    const which = `${count(letters)} letters, the first at offsets ${first.join(", ")}`;
    const detail =
      kind === "untold"
        ? `${which}, were acted on and no deed in tradetape.deed says so: by whom and why isn't in the audit log`
        : `${which}, are gone or open again, though a deed in tradetape.deed says what became of them`;
    return { check: "letters", subject: `${topic}/${partition}`, detail };
  });
}

/** A database may hold several namespaces: `ticks` and `paper.ticks` land in one table. */
async function checkTables(
  connection: Connection,
  consumers: readonly Consumer[],
): Promise<{ problems: Finding[]; rows: number }> {
  const sums = await ledgerSums(connection);
  const removed = await removedRows(connection);
  const problems: Finding[] = [];
  let total = 0;
  for (const { topic, landing } of consumers) {
    const own = sums.filter((sum) => sum.topic === topic || sum.topic.endsWith(`.${topic}`));
    for (const table of tablesOf(landing)) {
      const counted = table === landing.table ? "written" : "superseded";
      const told = own.reduce((rows, sum) => rows + sum[counted], 0) - (removed.get(table) ?? 0);
      const rows = await countRows(connection, table);
      total += rows;
      if (rows === told) continue;
      const detail = `the ledger says ${count(told)} rows, the table has ${count(rows)}`;
      problems.push({ check: "table", subject: table, detail });
    }
  }
  return { problems, rows: total };
}

async function checkOutbox(connection: Connection, olderThanSeconds: number): Promise<Finding[]> {
  const old = await oldOutbox(connection, olderThanSeconds);
  return old.map(({ topic, partition, messages }) => ({
    check: "outbox",
    subject: `${topic}/${partition}`,
    detail: `${count(messages)} messages not published for ${olderThanSeconds} s or longer: run \`tradetape consume\``,
  }));
}

async function findRuleBreaks(connection: Connection, consumers: readonly Consumer[]): Promise<readonly RuleBreaks[]> {
  const found: RuleBreaks[] = [];
  for (const { topic, landing } of consumers) found.push(...(await ruleBreaks(connection, topic, landing)));
  return found;
}

interface CheckedChain {
  readonly problems: readonly Finding[];
  readonly entries: number;
  readonly reserved: readonly RuleBreaks[];
  readonly signing: Signing;
}

/**
 * Checks every link of the chain and names the first broken one; how many entries there are, the ledger's check says. An
 * entry that passes for tradetape's own and isn't breaks no link.
 */
async function checkChain(connection: Connection): Promise<CheckedChain> {
  const reserved = new ReservedEntries();
  const signed = new SignedEntries();
  const { entries, faults } = await walkChain(connection, { from: 1 }, [], [], (entry) => {
    reserved.look(entry);
    signed.look(entry);
  });
  const links = faults.filter(({ kind }) => kind !== "tail" && kind !== "surplus");
  const problems = links.map(({ seq, logId, detail }): Finding => {
    return { check: "audit_chain", subject: `entry ${seq} (${logId})`, detail };
  });
  return { problems, entries, reserved: reserved.found(), signing: signed.found() };
}

/** Big tables have no foreign keys: what they point at may never have landed. */
async function findOrphans(connection: Connection, consumers: readonly Consumer[]): Promise<Finding[]> {
  const warnings: Finding[] = [];
  for (const { landing } of consumers.filter((consumer) => mayLackSymbol(consumer.landing))) {
    const unknown = await unknownSymbols(connection, landing.table);
    if (unknown.length === 0) continue;
    const detail = `${count(unknown.length)} symbols that \`symbol\` doesn't have: ${unknown.slice(0, 5).join(", ")}`;
    warnings.push({ check: "orphans", subject: landing.table, detail });
  }
  return warnings;
}

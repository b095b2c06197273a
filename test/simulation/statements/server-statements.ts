import { CONSUMERS } from "../../../consumers/all.ts";
import { dayColumnOf } from "../../../src/batch/consumer.ts";
import { landingColumns } from "../../../src/table/rows/landing-table.ts";
import type { Backend } from "../fakes/fake-postgres.ts";
import { rows, taking } from "./statement-context.ts";

/** Those that stand between a waiting session and its lock, also behind others that wait. */
export const blockers = taking<[number]>(({ postgres, backend, values: [pid] }) => {
  let next = [...postgres.backends].find((b) => b.pid === pid)?.tx?.waitsFor;
  const found: Backend[] = [];
  for (; next !== undefined; next = next.waitsFor) {
    const holder = [...postgres.backends].find((b) => b.tx === next);
    if (holder !== undefined && holder.process !== backend.process) found.push(holder);
  }
  return rows(found.map(({ pid: holder, name, tx }) => ({ pid: holder, name, transaction: String(tx!.startedMs) })));
});

export const evict = taking<[number[], string[]]>(({ postgres, db, values: [pids, transactions] }) =>
  rows(
    [...postgres.backends]
      .filter((b) =>
        pids.some((pid: number, i: number) => pid === b.pid && String(b.tx?.startedMs) === transactions[i]),
      )
      .map((b) => {
        db.time.note("evicted", () => b.name);
        b.terminate("57P01");
        postgres.backends.delete(b);
        return { pid: b.pid, name: b.name, transaction: "" };
      }),
  ),
);

export const dayKey = taking<[string]>(({ values: [table] }) => {
  const consumer = CONSUMERS.find((c) => c.landing.table === table)!;
  const column = dayColumnOf(consumer);
  return rows([{ key: column === undefined ? null : `RANGE ("${column}")`, isNamed: column !== undefined }]);
});

export const keyIndexes = taking<[string]>(({ values: [table] }) => {
  const consumer = CONSUMERS.find((c) => c.landing.table === table)!;
  return rows([{ columns: consumer.landing.key }]);
});

export const catalog = taking<[string]>(({ values: [table] }) => {
  const consumer = CONSUMERS.find((c) => `public.${c.landing.table}` === table)!;
  return rows(
    landingColumns(consumer.landing).map(({ name, fits, nullable }) => ({
      name,
      type: Object.keys(fits)[0],
      not_null: !nullable,
      has_default: false,
    })),
  );
});

/** No table has row security. */
export const hiddenTables = taking<[string[]]>(() => rows([]));

/** Revisions have every column of their table. */
export const revisionGaps = taking<[string]>(() => rows([]));

/** Nobody has altered a table. */
export const alterations = taking<[string[], string | null, string[]]>(() => rows([]));

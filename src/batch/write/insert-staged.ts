import type { Connection } from "../../table/connection.ts";
import type { StageStatements } from "../../table/landing/stage.ts";
import { refuseSwallowed } from "../../table/landing/swallowed.ts";
import { insertIsolated, type Repeat, type StagedCount, type StagedResult } from "./insert-isolated.ts";

/** Inserts the staged rows of one table; which function does it, `makeLandingPlan` chooses by the table's declaration. */
export type StagedInsert = (
  connection: Connection,
  stage: StageStatements,
  wantOffsets: boolean,
  partition: number,
) => Promise<StagedResult>;

/**
 * The staged rows that repeat an id with other content, in a table where the first row of an id stays. Call it after the
 * insert.
 * @throws TradetapeError rows_swallowed when staged rows are in the table under no content at all
 */
export async function conflictsOf(connection: Connection, stage: StageStatements): Promise<Repeat[]> {
  const found = await connection.query<Repeat & Record<string, unknown> & { readonly swallowed: boolean }>(
    stage.conflicts,
    [],
  );
  const conflicts = found.filter(({ swallowed }) => !swallowed);
  refuseSwallowed(stage.table, found.length - conflicts.length);
  return conflicts;
}

/** Inserts by ON CONFLICT where the first row of an id stays: right whatever others commit at the same moment. */
export const insertFirst: StagedInsert = async (connection, stage, wantOffsets) => {
  const inserted = await insertIsolated(connection, stage, () =>
    connection.query<StagedCount>(stage.insert, [wantOffsets]),
  );
  return { ...inserted, conflicts: await conflictsOf(connection, stage) };
};

/** Inserts where the greatest revision of an id stays, and keeps what it supersedes: other content is no conflict there. */
export const insertRevised: StagedInsert = async (connection, stage, wantOffsets, partition) => {
  const inserted = await insertIsolated(connection, stage, () =>
    withoutNestedLoops(connection, () => connection.query<StagedCount>(stage.insert, [wantOffsets, partition])),
  );
  const swallowed = inserted.counts.find(({ outcome }) => outcome === "swallowed")?.rows ?? 0;
  refuseSwallowed(`${stage.table} or ${stage.table}_revision`, swallowed);
  return { ...inserted, conflicts: [] };
};

/** Runs `work` without nested loops: the planner takes a part of a batch of 6,000 rows for a few, and they cost seconds. */
export async function withoutNestedLoops<R>(connection: Connection, work: () => Promise<R>): Promise<R> {
  await connection.query("SET LOCAL enable_nestloop = off");
  const result = await work();
  await connection.query("SET LOCAL enable_nestloop = on");
  return result;
}

import type { Connection } from "../../table/connection.ts";
import type { StageStatements } from "../../table/landing/stage.ts";
import { insertIsolated, type Repeat, type StagedCount, type StagedResult } from "./insert-isolated.ts";

/** Inserts the staged rows of one table; which function does it, `makeLandingPlan` chooses by the table's declaration. */
export type StagedInsert = (
  connection: Connection,
  stage: StageStatements,
  wantOffsets: boolean,
  partition: number,
) => Promise<StagedResult>;

/** The staged rows that repeat an id with other content, in a table where the first row of an id stays. */
export const conflictsOf = (connection: Connection, stage: StageStatements): Promise<Repeat[]> =>
  connection.query<Repeat & Record<string, unknown>>(stage.conflicts, []);

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
  return { ...inserted, conflicts: [] };
};

/** Runs `work` without nested loops: the planner takes a part of a batch of 6,000 rows for a few, and they cost seconds. */
export async function withoutNestedLoops<R>(connection: Connection, work: () => Promise<R>): Promise<R> {
  await connection.query("SET LOCAL enable_nestloop = off");
  const result = await work();
  await connection.query("SET LOCAL enable_nestloop = on");
  return result;
}

import type { Connection } from "../../table/connection.ts";
import type { StageStatements } from "../../table/landing/stage.ts";
import { insertIsolated, type Repeat, type StagedCount, type StagedResult } from "./insert-isolated.ts";

/** How one table's staged rows become rows of the table; the audit trail links them into its chain on the way. */
export type StagedInsert = (
  connection: Connection,
  stage: StageStatements,
  wantOffsets: boolean,
) => Promise<StagedResult>;

/** Repeats with other content, where what landed first stays. */
export const conflictsOf = (connection: Connection, stage: StageStatements): Promise<Repeat[]> =>
  connection.query<Repeat & Record<string, unknown>>(stage.conflicts, []);

/** The insert by the table's rule for repeats, on its own: right whatever others commit at the same moment. */
export const insertFirst: StagedInsert = async (connection, stage, wantOffsets) => {
  const inserted = await insertIsolated(connection, stage, () =>
    connection.query<StagedCount>(stage.insert, [wantOffsets]),
  );
  return { ...inserted, conflicts: await conflictsOf(connection, stage) };
};

export const insertRevised: StagedInsert = async (connection, stage, wantOffsets) => {
  const inserted = await insertIsolated(connection, stage, () =>
    withoutNestedLoops(connection, () => connection.query<StagedCount>(stage.insert, [wantOffsets])),
  );
  return { ...inserted, conflicts: [] };
};

/** The planner takes a part of a batch of 6,000 rows for a few: nested loops over two such cost seconds. */
export async function withoutNestedLoops<R>(connection: Connection, work: () => Promise<R>): Promise<R> {
  await connection.query("SET LOCAL enable_nestloop = off");
  const result = await work();
  await connection.query("SET LOCAL enable_nestloop = on");
  return result;
}

import { linkStaged } from "../../table/landing/chain.ts";
import { refuseSwallowed } from "../../table/landing/swallowed.ts";
import { conflictsOf, type StagedInsert } from "./insert-staged.ts";

/**
 * Links staged audit entries to the chain as its only writer. The partition's lock is not enough: the audit topics of two
 * namespaces land in one log.
 */
export const insertChained: StagedInsert = async (connection, stage) => {
  const { fresh, linked } = await linkStaged(connection, stage);
  refuseSwallowed(stage.table, fresh - linked);
  const conflicts = await conflictsOf(connection, stage);
  const counts = linked === 0 ? [] : [{ outcome: "written" as const, rows: linked, offsets: null }];
  return { counts, refused: [], conflicts };
};

import type { Connection } from "../../table/connection.ts";
import { type StageStatements, stagedOffsets } from "../../table/landing/stage.ts";
import { type DatabaseFault, faultKindOf, isDatabaseFault } from "../../table/sqlstate.ts";

/** How many staged rows had one outcome, and their offsets where those are wanted. */
export interface StagedCount extends Record<string, unknown> {
  readonly outcome: "written" | "duplicate" | "replaced" | "outdated" | "swallowed";
  readonly rows: number;
  readonly offsets: readonly string[] | null;
}

/** What an insert of staged rows came to, and the rows that it left out. */
export interface StagedResult {
  readonly counts: readonly StagedCount[];
  readonly refused: readonly RefusedRow[];
  /** Repeats with other content than what landed first. */
  readonly conflicts: readonly Repeat[];
  /** The offsets of the rows that repeat others, where these are known and not those of the rows that were written. */
  readonly repeated?: ReadonlySet<number>;
}

/** A staged row whose id has landed before. */
export interface Repeat {
  readonly offset: number;
  readonly id: string;
}

/** A staged row that the table refused, and why. */
interface RefusedRow {
  readonly offset: number;
  readonly fault: DatabaseFault;
}

/**
 * Runs a staged insert, and takes out of the stage each row that the table refuses, by a unique index beside the key or by
 * what somebody has added since the stage was made. Repeats of the key are the insert's own affair; such a refusal fails the
 * whole statement and names no row, so the row is found by halving.
 * @param insert is run once more for each half that is tried, on what the stage holds then
 */
export async function insertIsolated(
  connection: Connection,
  stage: StageStatements,
  insert: () => Promise<readonly StagedCount[]>,
): Promise<Pick<StagedResult, "counts" | "refused">> {
  const refused: RefusedRow[] = [];
  for (;;) {
    let tried = await attempt(connection, insert);
    // The second try finds as a repeat what another partition has committed since the first one looked.
    if ("fault" in tried) tried = await attempt(connection, insert);
    if ("result" in tried) return { counts: tried.result, refused };
    const offset = await firstRefused(connection, stage, insert);
    if (offset === undefined) continue;
    refused.push({ offset, fault: tried.fault });
    await connection.run(stage.discard, [[offset]]);
  }
}

type Insert = () => Promise<readonly StagedCount[]>;
type Tried<R> = { readonly result: R } | { readonly fault: DatabaseFault };

/** Runs an insert that the table may refuse for a row of it; nothing of it stays then. */
export async function attempt<R>(connection: Connection, insert: () => Promise<R>): Promise<Tried<R>> {
  await connection.query("SAVEPOINT inserted");
  try {
    const result = await insert();
    await connection.query("RELEASE SAVEPOINT inserted");
    return { result };
  } catch (error) {
    const kind = isDatabaseFault(error) ? faultKindOf(error) : undefined;
    if (kind !== "unique" && kind !== "data") throw error;
    await connection.query("ROLLBACK TO SAVEPOINT inserted; RELEASE SAVEPOINT inserted");
    return { fault: error as DatabaseFault };
  }
}

/**
 * The first row that is refused together with the rows before it, while those alone go in: found by halving the stage. It is
 * undefined where all go in by now, because each try before had met what another partition had just committed.
 */
async function firstRefused(
  connection: Connection,
  stage: StageStatements,
  insert: Insert,
): Promise<number | undefined> {
  const offsets = await stagedOffsets(connection, stage);
  let good = 0;
  let bad = offsets.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    await connection.query("SAVEPOINT halved");
    await connection.run(stage.discard, [offsets.slice(middle)]);
    if ("fault" in (await attempt(connection, insert))) bad = middle;
    else good = middle;
    await connection.query("ROLLBACK TO SAVEPOINT halved; RELEASE SAVEPOINT halved");
  }
  return offsets[bad - 1];
}

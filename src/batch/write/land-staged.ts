import type { Connection } from "../../table/connection.ts";
import { prepareStage, type StageStatements } from "../../table/landing/stage.ts";
import { refuseSwallowed } from "../../table/landing/swallowed.ts";
import type { RowHasher } from "../../table/rows/row-hasher.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import type { SessionKind } from "../encode/event-filter.ts";
import { indexOf } from "../encode/offset-index.ts";
import { copyIsolated, letterOf } from "./copy-isolated.ts";
import type { Repeat, StagedCount } from "./insert-isolated.ts";
import type { StagedInsert } from "./insert-staged.ts";
import type { Outcome } from "./outcome.ts";
import { totalLetters } from "./over-total.ts";
import { indexesOf, sumStaged } from "./sum-rows.ts";
import { takeMisfits } from "./take-misfits.ts";
import { withOffsets } from "./with-offsets.ts";

export interface StagedPath {
  readonly topicName: string;
  readonly stage: StageStatements;
  /** Finds staged rows whose id is that of another session's row; undefined where there can be none. */
  readonly strangers: string | undefined;
  /** Whether the offsets of what was written are wanted, as for audit entries of single events, or only their number. */
  readonly wantOffsets: boolean;
  /** The kinds of sessions that are served. */
  readonly sessionKinds: readonly SessionKind[];
  readonly insert: StagedInsert;
  /** Of topics whose batches have receipts. */
  readonly hasher: RowHasher | undefined;
}

/**
 * The small topics' path, and the big ones' when an id repeats. Rows [from, to) go by COPY into the stage, misfits and
 * strangers are taken out of it, and `path.insert` inserts the rest by the table's rule for repeats.
 * @param waitedFor the columns of parents that were waited for; undefined where children park without a wait
 * @throws EarlyChildren where children lack other parents
 */
export async function landStaged(
  connection: Connection,
  path: StagedPath,
  batch: EncodedBatch,
  from: number,
  to: number,
  waitedFor?: ReadonlySet<string>,
): Promise<Outcome> {
  const { stage } = path;
  await prepareStage(connection, stage);
  const copied = await copyIsolated(
    connection,
    { statement: stage.copy, relation: stage.relation },
    withOffsets(batch, stage.columnCount, from, to),
    0,
    to - from,
  );
  if (copied === "repeat") throw new Error(`${stage.relation} has no unique index, and yet a key was refused there`);
  const aside = await takeMisfits(connection, path, batch, waitedFor);
  const over = await totalLetters(connection, stage, batch);
  const strangers = await strangerLetters(connection, path, batch);
  const inserted = await path.insert(connection, stage, path.wantOffsets, batch.partition);
  const { counts } = inserted;
  const refused = inserted.refused.map(({ offset, fault }) => letterOf(fault, indexOf(batch, offset)));
  const conflicts = inserted.conflicts.map((repeat) => conflictLetter(batch, repeat));
  const of = (outcome: StagedCount["outcome"]) => counts.find((count) => count.outcome === outcome)?.rows ?? 0;
  const written = of("written");
  const superseded = of("replaced");
  const replaced = superseded + of("outdated");
  const { letters: misfits, parked, filtered } = aside;
  const staged = copied.copied - over.length - strangers.length - misfits.length - parked.length - filtered;
  // Where the repeats were looked up before, all else was to be inserted.
  if (inserted.repeated) refuseSwallowed(stage.table, staged - inserted.repeated.size - written);
  const toAudit = indexesOf(batch, counts, ["written", "replaced", "outdated"]);
  const letters = [...copied.letters, ...misfits, ...over, ...strangers, ...conflicts, ...refused];
  return {
    written,
    replaced,
    superseded,
    duplicate: staged - written - replaced - conflicts.length - refused.length,
    filtered: aside.filtered,
    letters,
    parked: aside.parked,
    toAudit: toAudit.sort((a, b) => a - b),
    rowSums: path.hasher && sumStaged(path.hasher, batch, from, to, inserted, letters),
  };
}

/** Takes strangers out of the stage: they would overwrite a row of another session, and so carry it over into theirs. */
async function strangerLetters(connection: Connection, path: StagedPath, batch: EncodedBatch): Promise<Letter[]> {
  if (path.strangers === undefined) return [];
  const rows = await connection.query<{ offset: number }>(path.strangers, []);
  if (rows.length > 0) await connection.run(path.stage.discard, [rows.map(({ offset }) => offset)]);
  return rows.map(({ offset }) => ({
    index: indexOf(batch, offset),
    reason: "session_mismatch",
    detail: "its id is that of an event of another session",
    column: "backtest_session_id",
  }));
}

/** A repeat with other content: the row that landed first stays, the later event becomes a letter. */
const conflictLetter = (batch: EncodedBatch, { offset, id }: Repeat): Letter => ({
  index: indexOf(batch, offset),
  reason: "conflicting_duplicate",
  detail: `${id} has landed before with other content`,
});

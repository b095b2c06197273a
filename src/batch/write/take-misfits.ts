import { linkNamed } from "../../event/rules.ts";
import type { Connection } from "../../table/connection.ts";
import type { StageStatements } from "../../table/landing/stage.ts";
import { brokenLetter, type EncodedBatch, type Letter } from "../encode/encoded-batch.ts";
import type { SessionKind } from "../encode/event-filter.ts";
import { indexOf } from "../encode/offset-index.ts";
import type { Parked } from "./outcome.ts";

/** Children came before parents that nobody has waited for yet: what was done for them is rolled back. */
export class EarlyChildren extends Error {
  /** The children's columns that name parents which have not landed. */
  readonly columns: ReadonlySet<string>;

  constructor(columns: ReadonlySet<string>) {
    super(`parents of ${[...columns].join(", ")} have not landed`);
    this.columns = columns;
  }
}

/** What of a `StagedPath` is needed here. */
interface AsidePath {
  readonly topicName: string;
  readonly stage: StageStatements;
  /** The kinds of sessions that are served. */
  readonly sessionKinds: readonly SessionKind[];
}

/** A staged row that must not be inserted as it is, and why: a row of `stage.misfits`. */
interface Misfit extends Record<string, unknown> {
  readonly offset: number;
  readonly id: string;
  readonly missing: Readonly<Record<string, string>>;
  readonly mismatch: boolean;
  readonly filtered: boolean;
  /** Whether an earlier event of its id is parked. */
  readonly behind: boolean;
  /** The rule that it breaks, judged by the parents that have landed. */
  readonly broken: string | null;
}

interface Aside {
  readonly letters: readonly Letter[];
  readonly parked: readonly Parked[];
  readonly filtered: number;
}

/**
 * Takes the misfits out of the stage: events of a deleted or unserved session are filtered, children of another session
 * than their parent's become letters, and children whose parents have not landed are parked, as are events behind a parked
 * one of their own id. Of the others those that break a rule together with their parents become letters.
 * @param waitedFor the columns of parents that were waited for; undefined where none are to be
 * @throws EarlyChildren where children lack a parent that is to be waited for first
 */
export async function takeMisfits(
  connection: Connection,
  path: AsidePath,
  batch: EncodedBatch,
  waitedFor: ReadonlySet<string> | undefined,
): Promise<Aside> {
  if (path.stage.misfits === undefined) return { letters: [], parked: [], filtered: 0 };
  const misfits = await connection.query<Misfit>(path.stage.misfits, [path.topicName, path.sessionKinds]);
  if (misfits.length === 0) return { letters: [], parked: [], filtered: 0 };
  const filtered = misfits.filter((row) => row.filtered);
  const mismatched = misfits.filter((row) => !row.filtered && row.mismatch);
  const isWaiting = ({ missing, behind }: Misfit) => behind || Object.keys(missing).length > 0;
  const left = misfits.filter((row) => !row.filtered && !row.mismatch);
  const waiting = left.filter(isWaiting);
  const absent = new Set(waiting.flatMap(({ missing }) => Object.keys(missing)));
  if (waitedFor && [...absent].some((column) => !waitedFor.has(column))) throw new EarlyChildren(absent);
  const broken = left.filter((row) => !isWaiting(row));
  const followers = await laterOnes(connection, path, waiting, misfits);
  const detail = "its parent belongs to another session";
  const mismatch = { reason: "session_mismatch", detail, column: "backtest_session_id" } as const;
  const letters = [
    ...mismatched.map(({ offset }): Letter => ({ index: indexOf(batch, offset), ...mismatch })),
    ...broken.map((v): Letter => ({ index: indexOf(batch, v.offset), ...brokenLetter(linkNamed(v.broken!)) })),
  ];
  const parked = [...waiting, ...followers].map(
    (v): Parked => ({ index: indexOf(batch, v.offset), eventId: v.id, missing: v.missing }),
  );
  const offsets = [...misfits, ...followers].map((v) => v.offset);
  await connection.run(path.stage.discard, [offsets]);
  return { letters, parked, filtered: filtered.length };
}

type Waiting = Pick<Misfit, "offset" | "id" | "missing">;

/** Staged events whose id parks at a lower offset of this batch: if they landed now, the later one would be the first. */
async function laterOnes(
  connection: Connection,
  path: AsidePath,
  waiting: readonly Misfit[],
  misfits: readonly Misfit[],
): Promise<readonly Waiting[]> {
  if (waiting.length === 0) return [];
  const firstOf = new Map<string, number>();
  for (const { id, offset } of waiting) firstOf.set(id, Math.min(firstOf.get(id) ?? offset, offset));
  const siblings = await connection.query<{ offset: number; id: string }>(path.stage.siblings, [
    [...firstOf.keys()],
    misfits.map((v) => v.offset),
  ]);
  return siblings.filter((s) => s.offset > firstOf.get(s.id)!).map((s) => ({ ...s, missing: {} }));
}

import { count } from "../../errors.ts";
import { Refusal } from "../../event/letter.ts";
import type { Registry } from "../../event/registry.ts";
import type { Connection } from "../../table/connection.ts";
import { lockPartition } from "../../table/landing/landed.ts";
import { type ExpiredRecord, expiredParked, overdueParents, unpark } from "../../table/landing/parked.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import { sessionOf } from "../encode/session-sieve.ts";
import { ledgerOf, NOTHING_LANDED } from "../write/outcome.ts";
import { Horizon } from "./horizon.ts";
import { book, inTransaction, type Landing, type OnCommit } from "./land.ts";
import type { LandingPlan } from "./landing-plan.ts";
import { badEvent } from "./letter-breaker.ts";
import { LetterStop, readAllowed, tooManyLetters } from "./letter-verdict.ts";
import type { Orphan } from "./orphan-breaker.ts";
import { ParkedRecords } from "./parked-records.ts";

/** One expiry takes this many events, because each is written twice with all of its bytes: to the table and the topic. */
const EXPIRE_EVENTS_MAX = 1000;

/** A verdict on overdue events that waits until this database has landed what their parents' topics held at `asOf`. */
export interface AwaitedVerdict {
  /** The database's time at which a deadline was found past. */
  readonly asOf: string;
  readonly horizon: Horizon;
}

/** A partition whose parked events are judged. `verdictAt` is kept from one sweep to the next by whoever owns it. */
interface JudgedPartition {
  readonly partition: number;
  readonly nextOffset: number;
  verdictAt: AwaitedVerdict | undefined;
}

/**
 * Makes letters of parked events whose parents never came. The deadline alone is no verdict: once it is
 * past, `Horizon` reads where the parents' topics end, and only when this database has landed all of that is a parent known
 * not to exist. Events of a session that was deleted meanwhile are filtered instead.
 * @returns `stale` when no verdict can be given yet, or none is due
 * @throws also registry_unreachable, canRetry, and too_many_letters
 */
export async function expireParked(
  connection: Connection,
  plan: LandingPlan,
  judged: JudgedPartition,
  registry: Pick<Registry, "fetch">,
  onCommit?: OnCommit,
): Promise<Landing> {
  const stale = { kind: "stale", nextOffset: judged.nextOffset } as const;
  judged.verdictAt ??= await beginToWait(connection, plan, judged.partition);
  if (judged.verdictAt === undefined || !(await judged.verdictAt.horizon.isPassed(connection))) return stale;
  const { asOf } = judged.verdictAt;
  judged.verdictAt = undefined;
  let orphans: readonly Orphan[] = [];
  const judge: GivingUp["judge"] = async (batch, parkedAtUs) => {
    orphans = await judgeOrphans(connection, plan, batch, parkedAtUs);
  };
  const how: GivingUp = { registry, asOf, deadlineMs: plan.parkDeadlineMs, as: "missing_parent", judge };
  const work = () => giveUpParked(connection, plan, judged.partition, how);
  const landing = await inTransaction(connection, work, onCommit);
  if (landing.kind === "landed") {
    plan.orphanBreaker.note(orphans);
    // What was given up counts there, and no longer among what waits.
    plan.breaker.note({ records: 0, parked: landing.ledger.parked, bad: [] });
  }
  return landing;
}

/**
 * @returns those orphans that nobody has allowed to become letters
 * @throws LetterStop
 */
async function judgeOrphans(
  connection: Connection,
  plan: LandingPlan,
  batch: EncodedBatch,
  parkedAtUs: readonly number[],
): Promise<readonly Orphan[]> {
  const { orphanBreaker, topicName } = plan;
  const { letters } = batch;
  const orphans = letters.map((letter, n) => ({ ...badEvent(batch, letter), parkedAtUs: parkedAtUs[n]! }));
  if (!(await orphanBreaker.trips(connection, topicName, orphans))) return orphans;
  const isAllowed = await readAllowed(connection, plan);
  orphanBreaker.forget(isAllowed);
  const left = orphans.filter((orphan) => !isAllowed(orphan));
  const window = left.length > 0 ? await orphanBreaker.trips(connection, topicName, left) : undefined;
  if (window === undefined) return left;
  const shown = letters.filter((_, n) => !isAllowed(orphans[n]!));
  const what = `the parents of ${count(window.letters)} of ${count(window.records)} events never came`;
  throw new LetterStop(() => tooManyLetters(plan, batch, shown, what));
}

/** Reads where the parents' topics end now, if any event of the partition is overdue. */
async function beginToWait(
  connection: Connection,
  plan: LandingPlan,
  partition: number,
): Promise<AwaitedVerdict | undefined> {
  const overdue = await overdueParents(connection, plan.topicName, partition, plan.parkDeadlineMs);
  if (overdue === undefined) return undefined;
  const parents = plan.consumer.landing.parents.filter(({ column }) => overdue.columns.includes(column));
  const topics = parents.map(({ topic }) => topic);
  const horizon = await Horizon.read((ask) => ask(connection), plan.topicEnds, topics);
  return { asOf: overdue.asOf, horizon };
}

/** What becomes of a parked event that is given up: a letter, or filtered because a replay left its parents out. */
export type GivenUp = "missing_parent" | "outside_window";

interface GivingUp {
  readonly registry: Pick<Registry, "fetch">;
  /** The database's time at which the deadline was past. */
  readonly asOf: string;
  readonly deadlineMs: number;
  readonly as: GivenUp;
  /** Called with what is about to become letters, and when each of these was parked; throws if they may not. */
  readonly judge: (batch: EncodedBatch, parkedAtUs: readonly number[]) => Promise<void>;
}

/**
 * Takes events out of the parking place whose deadline was past at `asOf` and whose missing parents are not parked
 * themselves, within a transaction. `missing_parent`: each becomes a letter. `outside_window`: a replay of a part left
 * the parents out, and the events are filtered with them.
 * @returns `stale` when there is none
 */
export async function giveUpParked(
  connection: Connection,
  plan: LandingPlan,
  partition: number,
  how: GivingUp,
): Promise<Landing> {
  const { topicName } = plan;
  const parents = plan.consumer.landing.parents.map((parent) => ({
    ...parent,
    topicName: plan.topicEnds.nameOf(parent.topic),
  }));
  const nextOffset = await lockPartition(connection, topicName, partition);
  const { asOf, deadlineMs } = how;
  const bounds = { asOf, deadlineMs, rowsMax: EXPIRE_EVENTS_MAX };
  const expired = await expiredParked(connection, topicName, partition, parents, bounds);
  if (expired.length === 0) return { kind: "stale", nextOffset };
  const isOutside = how.as === "outside_window";
  const unserved = isOutside
    ? new Set(expired.keys())
    : await ofUnservedSessions(connection, plan, expired, how.registry);
  const batch: EncodedBatch = {
    partition,
    firstOffset: nextOffset,
    nextOffset,
    records: new ParkedRecords(expired),
    from: 0,
    to: expired.length,
    rows: { bytes: Buffer.alloc(0), ends: [], indexes: [] },
    letters: expired.flatMap((record, index) => (unserved.has(index) ? [] : [letterOf(record, index)])),
    filtered: unserved.size,
    sessions: [],
    days: [],
  };
  const parkedAtUs = batch.letters.map(({ index }) => expired[index]!.parkedAtUs);
  await how.judge(batch, parkedAtUs);
  const offsets = expired.map(({ offset }) => offset);
  await unpark(connection, topicName, partition, offsets);
  const ledger = ledgerOf("release", batch, NOTHING_LANDED);
  const detail = isOutside ? { filtered: how.as } : undefined;
  const ledgerKey = await book(connection, plan, batch, NOTHING_LANDED, ledger, detail);
  return { kind: "landed", nextOffset, ledger, ledgerKey, usedStage: false };
}

function letterOf({ absent }: ExpiredRecord, index: number): Letter {
  const names = Object.entries(absent).map(([column, id]) => `${column} ${id}`);
  const column = Object.keys(absent)[0];
  return { index, reason: "missing_parent", detail: `never came: ${names.join(", ")}`, column };
}

/**
 * The expired events whose session was deleted while they waited, or isn't served here: they are filtered like every event
 * of it. A parked event is kept as bytes only, so each is read again for its session, but not judged again by
 * `readEvent`: its limits may be other ones than when the event was taken.
 */
async function ofUnservedSessions(
  connection: Connection,
  { encoder, sessionGate }: LandingPlan,
  expired: readonly ExpiredRecord[],
  registry: Pick<Registry, "fetch">,
): Promise<ReadonlySet<number>> {
  for (const id of encoder.reader.missing(expired.map(({ value }) => value))) await registry.fetch(id);
  const sessions = expired.map(({ value }) => {
    const event = encoder.reader.read(value);
    return event instanceof Refusal ? null : sessionOf(event);
  });
  const unserved = await sessionGate.unserved(connection, [...new Set(sessions.filter((id) => id !== null))]);
  return new Set(expired.flatMap((_, index) => (unserved.has(sessions[index] ?? "") ? [index] : [])));
}

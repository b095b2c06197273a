import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import type { Config } from "../../config.ts";
import { HEADER_BYTES } from "../../event/codec.ts";
import type { Registry } from "../../event/registry.ts";
import type { FetchedBatch } from "../../topic/fetch/fetched-batch.ts";
import type { LogMember } from "../../topic/log-client.ts";
import type { BufferSpace } from "../buffer-space.ts";
import { encodeBatch } from "../encode/encode.ts";
import type { Rows } from "../encode/rows.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import { judge, type Patience } from "../patience.ts";
import type { GroupParts } from "./group-parts.ts";
import { checkLandmark, checkLeader, isOfOtherLeader } from "./history.ts";
import { BATCH_BYTES, type Lane } from "./lane.ts";
import { missingRecords } from "./lost-history.ts";
import type { Pace, Stretch } from "./replay-terms.ts";
import { firstFrom, withhold } from "./withhold.ts";

/** While `Intake` waits, it sends a heartbeat this often; the smallest session timeout is 6 s. */
const HEARTBEAT_PAUSE_MS = 1000;

/** Beside its bytes a row has an entry of four bytes in `ends` and one in `indexes`. */
const ROW_NUMBERS_BYTES = 2 * 4;

const rowsBytes = ({ bytes, ends }: Rows): number => bytes.length + ends.length * ROW_NUMBERS_BYTES;

/**
 * The same bytes in a buffer of their size. Rows may wait for long, and would keep the encoder's buffer, which doubles as it
 * grows, or a block of Node's pool.
 */
function trimmed(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= 1.2 * bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

interface Fetched {
  readonly lane: Lane;
  readonly batch: FetchedBatch;
  readonly heartbeat: () => Promise<void>;
  /** Whether the batch may still be taken: no rebalance, seek or stop has come since it was fetched. */
  readonly isOurs: () => boolean;
}

/** Takes fetched batches in: waits for buffer space, fetches schemas not seen before, encodes, queues in the lane. */
export class Intake {
  readonly #plan: LandingPlan;
  readonly #registry: Registry;
  readonly #space: BufferSpace;
  readonly #patience: Patience;
  readonly #member: Pick<LogMember, "hold" | "letGo">;
  readonly #checkTopic: GroupParts["checkTopic"];
  readonly #epochEndOf: GroupParts["epochEndOf"];
  readonly #pace: Pace | undefined;
  readonly #clock: Clock;
  readonly #parkedEventsMax: number;

  constructor(parts: {
    readonly plan: LandingPlan;
    readonly registry: Registry;
    readonly space: BufferSpace;
    readonly patience: Patience;
    readonly config: Pick<Config, "parkedEventsMax">;
    readonly checkTopic: GroupParts["checkTopic"];
    readonly epochEndOf: GroupParts["epochEndOf"];
    readonly member: Pick<LogMember, "hold" | "letGo">;
    readonly pace?: Pace | undefined;
    readonly clock?: Clock;
  }) {
    this.#plan = parts.plan;
    this.#registry = parts.registry;
    this.#space = parts.space;
    this.#patience = parts.patience;
    this.#member = parts.member;
    this.#checkTopic = parts.checkTopic;
    this.#epochEndOf = parts.epochEndOf;
    this.#pace = parts.pace;
    this.#clock = parts.clock ?? SYSTEM_CLOCK;
    this.#parkedEventsMax = parts.config.parkedEventsMax;
  }

  /**
   * Resolves when the batch is queued or not to be landed; the partition is then fetched on.
   * @returns "lost the way" when the batch begins beyond the lane's tail
   * @throws TradetapeError history_lost when records are missing in the middle of it, or were cut off before it;
   * topic_misconfigured when they have the times of their producers and the topic still takes these. Once it is mended, such
   * records become letters
   */
  async take({ lane, batch, heartbeat, isOurs }: Fetched): Promise<"taken" | "not ours" | "lost the way"> {
    await this.#alive(lane.claimed, heartbeat);
    // The landmark is checked before the wait for space: where parked events hold all up, the log is known all the same.
    const first = isOurs() ? this.#checkAtTail(lane, batch) : "not ours";
    if (first !== "next") return first;
    while (isOurs() && !(this.#space.has(batch.records.bufferBytes) && lane.parked < this.#parkedEventsMax)) {
      // This loop sends its heartbeats itself: `#alive` sends one when it has waited a pause in vain, so it would send none
      // where `freed` resolves sooner each time, and the group would lose this member.
      await Promise.race([this.#space.freed(), this.#clock.sleep(HEARTBEAT_PAUSE_MS)]);
      await heartbeat();
    }
    if (!isOurs()) return "not ours";
    if (!batch.isBrokersTime) await this.#alive(this.#ask("settings", this.#checkTopic), heartbeat);
    await this.#alive(this.#fetchSchemas(batch), heartbeat);
    const parts = { epochEndOf: this.#epochEndOf, plan: this.#plan };
    const checkHistory = () => this.#ask("history", () => checkLeader(parts, lane));
    if (isOfOtherLeader(lane, batch)) await this.#alive(checkHistory(), heartbeat);
    const second = isOurs() ? this.#checkAtTail(lane, batch) : "not ours";
    if (second !== "next") return second;
    if (batch.missing > 0 && !this.#plan.isCompacted) throw missingRecords(this.#plan.topicName, batch);
    this.#enqueue(lane, batch);
    return "taken";
  }

  /** Whether a batch is the next one at the lane's tail, and still the log that landed: checks the landmark, too. */
  #checkAtTail(lane: Lane, batch: FetchedBatch): "next" | "taken" | "not ours" | "lost the way" {
    if (lane.tail === undefined) return "not ours";
    const isAtEnd = lane.tail >= this.#endOf(lane);
    if (batch.fetchedOffset > lane.tail && !isAtEnd) return "lost the way";
    // What was accepted as lost is fetched once more where the group's offset hint lies before it.
    if (!batch.isDamaged) checkLandmark(this.#plan, lane, batch);
    if (isAtEnd) {
      // The replay's part of this partition is at its end: what comes behind it would be fetched only to be dropped.
      this.#member.hold(batch);
      return "taken";
    }
    if (batch.nextOffset > lane.tail) return "next";
    lane.noteNothingNew();
    return "taken";
  }

  /** The offset at which a replay's part of the partition ends; none for a live group. */
  #endOf(lane: Lane): number {
    const { ends } = this.#plan;
    return ends === undefined ? Number.POSITIVE_INFINITY : (ends.get(lane.partition) ?? 0);
  }

  #enqueue(lane: Lane, batch: FetchedBatch): void {
    const { records, fetchedOffset: firstOffset } = batch;
    const nextOffset = Math.min(batch.nextOffset, this.#endOf(lane));
    const to = nextOffset < batch.nextOffset ? firstFrom(records, nextOffset) : records.count;
    const part = { firstOffset, nextOffset, from: 0, to };
    if (this.#pace === undefined) this.#push(lane, batch, part);
    else {
      const { encoder, topicName } = this.#plan;
      const push = (of: Stretch) => this.#push(lane, batch, of);
      const bytes = records.bufferBytes;
      const back = { encoder, topicName, lane, records, part, bytes, member: this.#member, push };
      if (withhold(this.#pace, back)) this.#member.hold(batch);
    }
    lane.tail = nextOffset;
    lane.leaderEpoch = batch.leaderEpochAt(nextOffset - 1) ?? null;
  }

  #push(lane: Lane, batch: FetchedBatch, { firstOffset, nextOffset, from, to }: Stretch): void {
    const { records } = batch;
    const { rewinds, claims, topicId } = lane.claim!;
    // Rounded up, so that what `#space` has taken for a job is exactly what is freed after it.
    const keptBytes = Math.ceil((records.bufferBytes * (to - from)) / Math.max(1, records.count));
    let at = { firstOffset, from };
    do {
      const encoded = encodeBatch(this.#plan.encoder, lane.partition, records, { ...at, nextOffset, to });
      const rows = { ...encoded.rows, bytes: trimmed(encoded.rows.bytes) };
      // A batch that is cut by days is several jobs over the same records, which are counted with the first of them.
      const bytes = BATCH_BYTES + rowsBytes(rows) + (at.from === from ? keptBytes : 0);
      this.#space.take(bytes);
      const origin = { rewinds, claims, topicId, leaderEpoch: batch.leaderEpochAt(encoded.nextOffset - 1) };
      lane.push({ kind: "batch", batch: { ...encoded, rows, records, origin }, bytes });
      at = { firstOffset: encoded.nextOffset, from: encoded.to };
    } while (at.from < to);
  }

  async #fetchSchemas(batch: FetchedBatch): Promise<void> {
    for (const id of this.#plan.encoder.reader.missing(batch.heads(HEADER_BYTES))) {
      await this.#ask(`schema ${id}`, () => this.#registry.fetch(id));
    }
  }

  /** Asks until a service answers. @param what is asked for, of the topic */
  async #ask(what: string, question: () => Promise<unknown>): Promise<void> {
    const { topicName } = this.#plan;
    await this.#patience.insist(`${what} of ${topicName}`, question, (error) => judge(error, topicName));
  }

  /** Waits for `work`, with a heartbeat every HEARTBEAT_PAUSE_MS. @throws the error of a `heartbeat` in a rebalance */
  async #alive(work: Promise<unknown>, heartbeat: () => Promise<void>): Promise<void> {
    let done = false;
    const finished = work.then(() => {
      done = true;
    });
    for (;;) {
      // Not `clock.sleep` with a signal: its AbortError, one a batch, cost a twentieth of a live topic's processor time.
      const pause = Promise.withResolvers<void>();
      const stopPause = this.#clock.after(HEARTBEAT_PAUSE_MS, pause.resolve);
      await Promise.race([finished, pause.promise]).finally(stopPause);
      if (done) return;
      await heartbeat();
    }
  }
}

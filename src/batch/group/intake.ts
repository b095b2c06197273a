import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import type { Config } from "../../config.ts";
import { HEADER_BYTES } from "../../event/codec.ts";
import type { Registry } from "../../event/registry.ts";
import type { GroupMember } from "../../topic/fetch/consume.ts";
import type { FetchedBatch } from "../../topic/fetch/fetched-batch.ts";
import { KeptRecords } from "../../topic/fetch/kept-records.ts";
import type { HeldRecords, Records } from "../../topic/fetch/records.ts";
import type { BufferSpace } from "../buffer-space.ts";
import { encodeBatch } from "../encode/encode.ts";
import type { Rows } from "../encode/rows.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import { judge, type Patience } from "../patience.ts";
import { checkLandmark, checkNoLandmark, missingRecords } from "./history.ts";
import { firstFrom, holdBack } from "./hold-back.ts";
import { BATCH_BYTES, type Lane } from "./lane.ts";
import type { Pace, Stretch } from "./replay-terms.ts";

/** A wait this long sends a heartbeat; well below the smallest session timeout of 6 s. */
const HEARTBEAT_PAUSE_MS = 1000;

const none = (): never => {
  throw new Error("there are no records");
};
const NO_RECORDS: Records = { count: 0, offsetOf: none, publishedAtMs: none, locate: none, record: none };

/** An end and an index. */
const ROW_NUMBERS_BYTES = 2 * 4;

const heldBytes = ({ bytes, ends }: Rows): number => bytes.length + ends.length * ROW_NUMBERS_BYTES;

/** The encoder's buffer doubles as it grows; what waits for long shouldn't hold twice its size, nor a block of Node's pool. */
function trimmed(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= 1.2 * bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

export interface Fetched {
  readonly lane: Lane;
  readonly batch: FetchedBatch;
  readonly heartbeat: () => Promise<void>;
  /** Whether the batch may still be taken: no rebalance, seek or stop has come since it was fetched. */
  readonly isOurs: () => boolean;
}

/** Takes fetched batches in: waits for room, fetches schemas not seen before, encodes, queues. */
export class Intake {
  readonly #plan: LandingPlan;
  readonly #registry: Registry;
  readonly #space: BufferSpace;
  readonly #patience: Patience;
  readonly #member: Pick<GroupMember, "hold" | "letGo">;
  readonly #pace: Pace | undefined;
  readonly #clock: Clock;
  readonly #parkedEventsMax: number;

  constructor(parts: {
    readonly plan: LandingPlan;
    readonly registry: Registry;
    readonly space: BufferSpace;
    readonly patience: Patience;
    readonly config: Pick<Config, "parkedEventsMax">;
    readonly member: Pick<GroupMember, "hold" | "letGo">;
    readonly pace?: Pace | undefined;
    readonly clock?: Clock;
  }) {
    this.#plan = parts.plan;
    this.#registry = parts.registry;
    this.#space = parts.space;
    this.#patience = parts.patience;
    this.#member = parts.member;
    this.#pace = parts.pace;
    this.#clock = parts.clock ?? SYSTEM_CLOCK;
    this.#parkedEventsMax = parts.config.parkedEventsMax;
  }

  /**
   * Resolves when the batch is queued or not to be landed; kafkajs then fetches on.
   * @returns "lost the way" when the batch begins beyond the lane's tail, or isn't the log that landed before
   * @throws TradetapeError history_lost when records are missing in the middle of it
   */
  async take({ lane, batch, heartbeat, isOurs }: Fetched): Promise<"taken" | "not ours" | "lost the way"> {
    await this.#alive(lane.claimed, heartbeat);
    // What has landed needs no space: where parked events fill it, the log must still be known again.
    const first = isOurs() ? this.#place(lane, batch) : "not ours";
    if (first !== "next") return first;
    while (isOurs() && !(this.#space.has(batch.keepBytes) && lane.parked < this.#parkedEventsMax)) {
      // Beaten on every turn: a wait that ends as often as the pause would never let `alive` come to it.
      await Promise.race([this.#space.freed(), this.#clock.sleep(HEARTBEAT_PAUSE_MS)]);
      await heartbeat();
    }
    if (!isOurs()) return "not ours";
    await this.#alive(this.#fetchSchemas(batch), heartbeat);
    const second = isOurs() ? this.#place(lane, batch) : "not ours";
    if (second !== "next") return second;
    if (batch.missing > 0 && !this.#plan.isCompacted) throw missingRecords(this.#plan.topicName, batch);
    this.#enqueue(lane, batch, batch.fetchedOffset, batch.nextOffset, batch.held);
    return "taken";
  }

  /** Where a batch stands to the lane's tail; holds it against the landmark on the way. */
  #place(lane: Lane, batch: FetchedBatch): "next" | "taken" | "not ours" | "lost the way" {
    if (lane.tail === undefined) return "not ours";
    const isAtEnd = lane.tail >= this.#endOf(lane);
    if (batch.fetchedOffset > lane.tail && !isAtEnd) return "lost the way";
    checkLandmark(this.#plan, lane, batch);
    if (isAtEnd) {
      // What comes behind the end is somebody else's: it would be fetched only to be dropped.
      this.#member.hold(lane.partition);
      return "taken";
    }
    return batch.nextOffset <= lane.tail ? "taken" : "next";
  }

  /** Queues a range of markers and aborted records: it lands as holes, so that the next batch may begin behind it. */
  takeMarkers(lane: Lane, firstOffset: number, nextOffset: number): "taken" | "lost the way" {
    if (lane.tail === undefined) return "taken";
    checkNoLandmark(this.#plan, lane, firstOffset, nextOffset);
    if (nextOffset <= lane.tail || lane.tail >= this.#endOf(lane)) return "taken";
    if (firstOffset > lane.tail) return "lost the way";
    this.#enqueue(lane, NO_RECORDS, lane.tail, nextOffset);
    return "taken";
  }

  /** Where the group's part of the log ends. */
  #endOf(lane: Lane): number {
    const { ends } = this.#plan;
    return ends === undefined ? Number.POSITIVE_INFINITY : (ends.get(lane.partition) ?? 0);
  }

  #enqueue(lane: Lane, fetched: Records, firstOffset: number, behind: number, held?: HeldRecords): void {
    const nextOffset = Math.min(behind, this.#endOf(lane));
    const to = nextOffset < behind ? firstFrom(fetched, nextOffset) : fetched.count;
    const kept = held ?? new KeptRecords(fetched, to);
    const part = { firstOffset, nextOffset, from: 0, to };
    if (this.#pace === undefined) this.#push(lane, fetched, kept, part);
    else {
      const { encoder, topicName } = this.#plan;
      const push = (of: Stretch) => this.#push(lane, kept, kept, of);
      const bytes = kept.heldBytes;
      const back = { encoder, topicName, lane, records: kept, part, bytes, member: this.#member, push };
      if (holdBack(this.#pace, back)) this.#member.hold(lane.partition);
    }
    lane.tail = nextOffset;
  }

  #push(lane: Lane, fetched: Records, kept: HeldRecords, { firstOffset, nextOffset, from, to }: Stretch): void {
    // Whole bytes: what is taken in parts and freed in others has to come back to nothing.
    const keptBytes = Math.ceil((kept.heldBytes * (to - from)) / Math.max(1, kept.count));
    let at = { firstOffset, from };
    do {
      const encoded = encodeBatch(this.#plan.encoder, lane.partition, fetched, { ...at, nextOffset, to });
      const rows = { ...encoded.rows, bytes: trimmed(encoded.rows.bytes) };
      // The records stay until the batch's last part has committed; counting them with the first is close enough.
      const bytes = BATCH_BYTES + heldBytes(rows) + (at.from === from ? keptBytes : 0);
      this.#space.take(bytes);
      lane.push({ kind: "batch", batch: { ...encoded, rows, records: kept }, bytes });
      at = { firstOffset: encoded.nextOffset, from: encoded.to };
    } while (at.from < to);
  }

  async #fetchSchemas(batch: FetchedBatch): Promise<void> {
    for (const id of this.#plan.encoder.reader.missing(batch.heads(HEADER_BYTES))) {
      await this.#patience.insist(
        `schema ${id} of ${this.#plan.topicName}`,
        () => this.#registry.fetch(id),
        (error) => judge(error, this.#plan.topicName, false),
      );
    }
  }

  /** Waits for `work` with a heartbeat now and then. @throws kafkajs's rebalance error, which ends the handling */
  async #alive(work: Promise<unknown>, heartbeat: () => Promise<void>): Promise<void> {
    let done = false;
    const finished = work.then(() => {
      done = true;
    });
    for (;;) {
      // Not a sleep that is aborted: with every batch of a live topic, its AbortError cost a twentieth of all our time.
      const pause = Promise.withResolvers<void>();
      const stopPause = this.#clock.after(HEARTBEAT_PAUSE_MS, pause.resolve);
      await Promise.race([finished, pause.promise]).finally(stopPause);
      if (done) return;
      await heartbeat();
    }
  }
}

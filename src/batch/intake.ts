import { setTimeout as sleep } from "node:timers/promises";
import type { Registry } from "../event/registry.ts";
import type { FetchedBatch } from "../topic/consume.ts";
import { encodeBatch } from "./encode.ts";
import type { Lane } from "./lane.ts";
import { judge, type Patience } from "./patience.ts";
import type { LandingPlan } from "./plan.ts";
import type { Room } from "./room.ts";

/** A wait this long sends a heartbeat; well below the smallest session timeout of 6 s. */
const HEARTBEAT_PAUSE_MS = 1000;

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
  readonly #room: Room;
  readonly #patience: Patience;
  readonly #parkedEventsMax: number;

  constructor(parts: {
    readonly plan: LandingPlan;
    readonly registry: Registry;
    readonly room: Room;
    readonly patience: Patience;
    readonly parkedEventsMax: number;
  }) {
    this.#plan = parts.plan;
    this.#registry = parts.registry;
    this.#room = parts.room;
    this.#patience = parts.patience;
    this.#parkedEventsMax = parts.parkedEventsMax;
  }

  /**
   * Resolves when the batch is queued or not to be landed; kafkajs then fetches on.
   * @returns where Kafka has to be sent instead, when the batch begins beyond the lane's tail
   */
  async take({ lane, batch, heartbeat, isOurs }: Fetched): Promise<number | undefined> {
    await alive(lane.claimed, heartbeat);
    while (isOurs() && !(this.#room.has(batch.valueBytes) && lane.parked < this.#parkedEventsMax)) {
      await alive(Promise.race([this.#room.freed(), sleep(HEARTBEAT_PAUSE_MS)]), heartbeat);
    }
    if (!isOurs()) return undefined;
    await alive(this.#fetchSchemas(batch), heartbeat);
    if (!isOurs() || lane.tail === undefined || batch.nextOffset <= lane.tail) return undefined;
    if (batch.fetchedOffset > lane.tail) return lane.tail;
    this.#enqueue(lane, batch);
    return undefined;
  }

  #enqueue(lane: Lane, batch: FetchedBatch): void {
    let from = 0;
    let firstOffset = batch.fetchedOffset;
    do {
      const range = { firstOffset, nextOffset: batch.nextOffset, from };
      const encoded = encodeBatch(this.#plan.encoder, lane.partition, batch, range);
      // The raw values stay until the last part of the batch has committed; counting them with the first is close enough.
      const bytes = encoded.rows.bytes.length + (from === 0 ? batch.valueBytes : 0);
      this.#room.take(bytes);
      lane.push({ kind: "batch", batch: encoded, bytes });
      from = encoded.to;
      firstOffset = encoded.nextOffset;
    } while (from < batch.count);
    lane.tail = batch.nextOffset;
  }

  async #fetchSchemas(batch: FetchedBatch): Promise<void> {
    for (const id of this.#plan.encoder.reader.missing(batch.values())) {
      await this.#patience.insist(
        `schema ${id} of ${this.#plan.topicName}`,
        () => this.#registry.fetch(id),
        (error) => judge(error, this.#plan.topicName, false),
      );
    }
  }
}

/** Waits for `work` with a heartbeat now and then. @throws kafkajs's rebalance error, which ends the batch's handling */
async function alive(work: Promise<unknown>, heartbeat: () => Promise<void>): Promise<void> {
  let done = false;
  const finished = work.then(() => {
    done = true;
  });
  for (;;) {
    const pause = new AbortController();
    await Promise.race([
      finished,
      sleep(HEARTBEAT_PAUSE_MS, undefined, { signal: pause.signal }).catch(() => undefined),
    ]);
    pause.abort();
    if (done) return;
    await heartbeat();
  }
}

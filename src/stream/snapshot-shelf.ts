import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import type { PartitionOffsets, TopicPartition } from "../topic/offsets.ts";
import type { SoleMember } from "../topic/sole-member.ts";
import { readHead, type SnapshotHead } from "./snapshot.ts";

/**
 * The newest and the last but one snapshot of a program lie side by side: one is written over the older of them, so that a
 * run that dies in the midst of writing leaves the other whole, whatever compaction removes.
 */
const SLOTS = ["a", "b"] as const;
export type Slot = (typeof SLOTS)[number];

export const otherSlot = (slot: Slot): Slot => (slot === "a" ? "b" : "a");

/** The message keys of a snapshot's records. The head is written last: what has a new head has all its parts. */
export const headKey = (name: string, slot: Slot): string => `${name} ${slot} head`;
export const partKey = (name: string, slot: Slot, part: number): string => `${name} ${slot} ${part}`;

/** A snapshot that was found. */
export interface FoundSnapshot {
  /** Undefined where it can't be read. */
  readonly head: SnapshotHead | undefined;
  readonly parts: readonly Buffer[];
  readonly slot: Slot;
  /** Of its head, in the topic of snapshots. */
  readonly offset: number;
}

/** Where the snapshots of one program lie, and under what name. */
interface Place {
  readonly at: TopicPartition;
  readonly name: string;
}

/** Collects the snapshots of one program while the topic of snapshots is read, from its first record to where it ended. */
export class SnapshotShelf {
  readonly #of: Place;
  readonly #steering: Pick<SoleMember, "seek" | "hold">;
  readonly #end: number;
  /** The first offset that was not taken yet. */
  #next: number;
  /** The newest record of each key. */
  readonly #records = new Map<string, { readonly offset: number; readonly value: Buffer }>();

  /** Seeks the topic's first record. */
  constructor(of: Place, { low, high }: PartitionOffsets, steering: Pick<SoleMember, "seek" | "hold">) {
    this.#of = of;
    this.#steering = steering;
    this.#next = low;
    this.#end = high;
    steering.seek(of.at, low);
    if (this.isRead) steering.hold(of.at);
  }

  get isRead(): boolean {
    return this.#next >= this.#end;
  }

  take({ topicName, records, fetchedOffset, nextOffset }: FetchedBatch): void {
    const { at, name } = this.#of;
    if (topicName !== at.topicName || this.isRead) return;
    if (fetchedOffset > this.#next) {
      this.#steering.seek(at, this.#next);
      return;
    }
    this.#next = nextOffset;
    if (this.isRead) this.#steering.hold(at);
    for (let index = 0; index < records.count; index++) {
      const { key, value } = records.record(index);
      const text = key?.toString() ?? "";
      if (value === null || !text.startsWith(`${name} `)) continue;
      this.#records.set(text, { offset: records.offsetOf(index), value: Buffer.from(value) });
    }
  }

  /** Newest first. Whether they are whole is for the digest to say. */
  found(): FoundSnapshot[] {
    const snapshots = SLOTS.flatMap((slot): FoundSnapshot[] => {
      const record = this.#records.get(headKey(this.#of.name, slot));
      if (record === undefined) return [];
      const head = readHead(record.value);
      const parts: Buffer[] = [];
      for (let n = 0; n < (head?.parts ?? 0); n++) {
        const part = this.#records.get(partKey(this.#of.name, slot, n));
        if (part === undefined) break;
        parts.push(part.value);
      }
      return [{ slot, offset: record.offset, head, parts }];
    });
    return snapshots.sort((a, b) => b.offset - a.offset);
  }
}

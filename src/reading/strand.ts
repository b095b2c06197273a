import { TradetapeError } from "../errors.ts";
import type { LogPlace, TopicPartition } from "../topic/offsets.ts";

/** Handed out and not acknowledged, of one partition; a program that never acknowledges would fill the memory. */
const UNACKED_MAX = 1_000_000;

/** So much is passed over before a mark is written that nobody's ack asks for. */
const PASSED_MAX = 10_000;

/** A partition that is read: how far, and of a group what was acknowledged. */
export class Strand implements TopicPartition {
  readonly topicName: string;
  readonly partition: number;
  /** From here on it is read next. */
  next: number;
  /** Whether another member of the group may read it now. */
  isLost = false;
  /** The group's mark that Kafka has; undefined before it has one. */
  kept: number | undefined;
  /** Has the group's marks kept; undefined where there is no group. */
  readonly #keep: (() => Promise<void>) | undefined;
  /** What was handed out, from `#first` on; before it all is acknowledged. */
  #handed: number[] = [];
  #first = 0;
  /** Acknowledged before one that was handed out earlier. */
  readonly #early = new Set<number>();

  constructor({ topicName, partition, offset }: LogPlace, kept?: number, keep?: () => Promise<void>) {
    this.topicName = topicName;
    this.partition = partition;
    this.next = offset;
    this.kept = kept;
    this.#keep = keep;
  }

  /** Before it all was acknowledged, or isn't wanted. */
  get mark(): number {
    return this.#handed[this.#first] ?? this.next;
  }

  /** Whether Kafka has to be told the mark. */
  get isBehind(): boolean {
    return !this.isLost && (this.kept === undefined || this.kept < this.mark);
  }

  /** A message is handed out. @throws TradetapeError input_invalid where too many are, and none is acknowledged */
  hand(offset: number): void {
    this.next = offset + 1;
    if (this.#keep === undefined) return;
    this.#handed.push(offset);
    if (this.#handed.length - this.#first <= UNACKED_MAX) return;
    const message = `${UNACKED_MAX} messages of ${this.topicName}/${this.partition} are handed out and not acknowledged`;
    throw new TradetapeError("input_invalid", message, {
      next: "Await ack() of each message, or ackAll(), or subscribe without a group.",
    });
  }

  /** What was read before this offset is handed out, or isn't wanted. */
  pass(next: number): void {
    this.next = next;
    // Where little is wanted nobody acknowledges, and a restart would read everything once more.
    if (this.#handed.length === this.#first && next - (this.kept ?? 0) >= PASSED_MAX) void this.#keep?.();
  }

  /** @returns whether Kafka has the mark, as far as the messages before it are acknowledged, too */
  ack(offset: number): Promise<boolean> {
    if (offset >= this.mark) this.#early.add(offset);
    while (this.#first < this.#handed.length && this.#early.delete(this.#handed[this.#first]!)) this.#first++;
    if (this.#first * 2 > this.#handed.length) {
      this.#handed = this.#handed.slice(this.#first);
      this.#first = 0;
    }
    return this.#kept();
  }

  ackAll(): Promise<boolean> {
    this.#handed = [];
    this.#first = 0;
    this.#early.clear();
    return this.#kept();
  }

  async #kept(): Promise<boolean> {
    if (this.#keep === undefined) {
      throw new TradetapeError("input_invalid", "this subscription has no group whose mark an ack could move", {
        next: "Subscribe with a group.",
      });
    }
    const { mark } = this;
    if (this.isBehind) await this.#keep();
    return !this.isLost && this.kept !== undefined && this.kept >= mark;
  }
}

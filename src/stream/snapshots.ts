import type { LogClient } from "../topic/log-client.ts";
import type { TopicPartition } from "../topic/offsets.ts";
import { type RawMessage, RawPublisher } from "../topic/publish/raw-publish.ts";
import { inputName } from "./begin.ts";
import type { Input } from "./inputs.ts";
import type { SnapshotTerms } from "./program.ts";
import { packSnapshot } from "./snapshot.ts";
import { headKey, otherSlot, partKey, type Slot } from "./snapshot-shelf.ts";

/** So often a snapshot is written: after a crash a restart reads what has come since. */
const SNAPSHOT_MS = 60_000;
/** A large state takes long to write; writing has at most one part in so many of a program's time. */
const SHARE_OF_TIME = 20;

/** Writes a program's snapshots. */
export class Snapshots {
  readonly #client: LogClient;
  /** The partition of the topic of snapshots. */
  readonly at: TopicPartition;
  /** Of the program and its run: what the message keys begin with. */
  readonly name: string;
  readonly #terms: SnapshotTerms;
  #publisher: RawPublisher | undefined;
  #slot: Slot = "a";
  #written = "";
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(client: LogClient, at: TopicPartition, name: string, terms: SnapshotTerms) {
    this.#client = client;
    this.at = at;
    this.name = name;
    this.#terms = terms;
  }

  /** The program begins, or begins anew. @param last where the snapshot lies that it begins with; the other is written next */
  begin(last: Slot | undefined): void {
    this.#slot = last === undefined ? "a" : otherSlot(last);
    this.#written = "";
    this.#dueMs = performance.now() + SNAPSHOT_MS;
  }

  /**
   * Writes a snapshot where one is due. Call it only when everything that follows from the records before each input's
   * `next` was acknowledged.
   * @param published how much the run has published: without records and without that nothing has changed
   * @throws TradetapeError publish_refused, topic_missing, broker_unreachable
   */
  async write(inputs: readonly Input[], save: () => unknown, published: number, isLast: boolean): Promise<void> {
    const startMs = performance.now();
    if (!isLast && startMs < this.#dueMs) return;
    const covered = Object.fromEntries(inputs.map((input) => [inputName(input), input.next]));
    const text = JSON.stringify([covered, published]);
    if (text === this.#written) return;
    await this.#publish(await packSnapshot({ name: this.name, terms: this.#terms, inputs: covered, state: save() }));
    this.#slot = otherSlot(this.#slot);
    this.#written = text;
    const tookMs = performance.now() - startMs;
    this.#dueMs = performance.now() + Math.max(SNAPSHOT_MS, tookMs * SHARE_OF_TIME);
  }

  async #publish({ head, parts }: Awaited<ReturnType<typeof packSnapshot>>): Promise<void> {
    this.#publisher ??= await RawPublisher.open(this.#client);
    const message = (key: string, value: Buffer): RawMessage => ({
      ...this.at,
      key: Buffer.from(key),
      value,
    });
    await this.#publisher.publish([
      ...parts.map((part, n) => message(partKey(this.name, this.#slot, n), part)),
      message(headKey(this.name, this.#slot), Buffer.from(JSON.stringify(head))),
    ]);
  }

  async close(): Promise<void> {
    await this.#publisher?.close();
  }
}

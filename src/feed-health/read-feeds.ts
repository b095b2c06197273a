import { EventReader, HEADER_BYTES } from "../event/codec.ts";
import { Refusal } from "../event/letter.ts";
import type { Registry } from "../event/registry.ts";
import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import { NO_BROKERS_TIME } from "../topic/fetch/records.ts";
import type { LogAdmin } from "../topic/log-client.ts";
import { placesAt } from "../topic/offsets.ts";
import type { Seen } from "../topic/read-newest.ts";
import { readOnward } from "../topic/read-onward.ts";
import { topicName } from "../topic/topics.ts";
import { type Arrival, FeedHealth } from "./feed-health.ts";
import type { FeedRow } from "./feed-row.ts";
import type { Instruments } from "./instruments.ts";

/** So far back is looked from now, and from the last close of each market. */
export const LOOKED_BACK_MS = 900_000;

type FeedTopic = "symbols" | "ticks" | "quotes";
type Fields = Readonly<Record<string, unknown>>;

interface SeenEvent extends Seen {
  readonly event: Fields;
}

interface FeedServices {
  readonly log: Pick<LogAdmin, "fetchRecords" | "fetchOffsets" | "fetchOffsetsAt">;
  readonly registry: Registry;
  /** As the registry's `fetch`, and as patient as the reader of the log. */
  fetchSchema(id: number): Promise<unknown>;
  readonly namespace: string;
  readonly partitionBytesMax: number;
  readonly stop: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Reads the topics of ticks and quotes for what their feeds do, by no group and without a database. */
export class FeedReader {
  readonly health: FeedHealth;
  readonly #services: FeedServices;
  readonly #instruments: Instruments;
  /** Up to when everything of a partition has been read, by topic and partition. */
  readonly #readUntilMs = new Map<string, number>();
  #lookedFromMs = Number.POSITIVE_INFINITY;

  constructor(services: FeedServices, instruments: Instruments) {
    this.#services = services;
    this.#instruments = instruments;
    this.health = new FeedHealth(instruments.of);
  }

  /**
   * Reads all instruments, what came of them in the last quarter of an hour, and before that in the last quarter of each market's
   * last session, by which the feeds are known that say nothing today.
   * @returns where each topic is to be read on from, by partition
   * @throws TradetapeError broker_unreachable, topic_missing, registry_unreachable
   */
  async readBack(): Promise<ReadonlyMap<FeedTopic, ReadonlyMap<number, number>>> {
    const nowMs = this.#services.now();
    const symbols = await this.#end("symbols");
    await this.#read("symbols", await this.#at("symbols", 0), symbols);
    const closesMs = [...this.#instruments.calendars].map((hours) => hours.lastClose(nowMs * 1000) / 1000);
    const ends = new Map<FeedTopic, ReadonlyMap<number, number>>([["symbols", symbols]]);
    for (const topic of ["ticks", "quotes"] as const) {
      for (const closeMs of [...new Set(closesMs)].sort((a, b) => a - b)) {
        if (closeMs > nowMs - LOOKED_BACK_MS) continue;
        await this.#read(topic, await this.#at(topic, closeMs - LOOKED_BACK_MS), await this.#at(topic, closeMs));
      }
      const end = await this.#end(topic);
      await this.#read(topic, await this.#at(topic, nowMs - LOOKED_BACK_MS), end);
      ends.set(topic, end);
    }
    this.#lookedFromMs = nowMs - LOOKED_BACK_MS;
    return ends;
  }

  /** Reads on until it is stopped. @throws as `readBack` does */
  async readOn(from: ReadonlyMap<FeedTopic, ReadonlyMap<number, number>>): Promise<void> {
    await Promise.all([...from].map(([topic, begin]) => this.#read(topic, begin, undefined)));
  }

  /** Until when everything has been read, milliseconds since 1970. */
  get readUntilMs(): number {
    return Math.min(this.#services.now(), ...this.#readUntilMs.values());
  }

  rows(): FeedRow[] {
    return this.health.report(this.readUntilMs * 1000, this.#lookedFromMs * 1000);
  }

  async #end(topic: FeedTopic): Promise<ReadonlyMap<number, number>> {
    const offsets = await this.#services.log.fetchOffsets(topicName(this.#services.namespace, topic));
    return new Map(offsets.map(({ partition, high }) => [partition, high]));
  }

  #at(topic: FeedTopic, timeMs: number): Promise<ReadonlyMap<number, number>> {
    return this.#services.log.fetchOffsetsAt(topicName(this.#services.namespace, topic), timeMs);
  }

  /** @param to undefined reads on for ever */
  async #read(
    topic: FeedTopic,
    begin: ReadonlyMap<number, number>,
    to: ReadonlyMap<number, number> | undefined,
  ): Promise<void> {
    const { log, namespace, partitionBytesMax, stop } = this.#services;
    const name = topicName(namespace, topic);
    const reader = new EventReader(topic, this.#services.registry);
    const look = (batch: FetchedBatch) => this.#look(name, reader, batch);
    const reading = { log, partitionBytesMax, stop, look };
    // What retention has taken came before what is looked at, or while a broker was away, of which silence tells nothing.
    const onward = { ends: placesAt(name, to ?? begin), isFollowing: to === undefined, onGone: () => {} };
    for await (const { seen } of readOnward<SeenEvent>(reading, placesAt(name, begin), onward))
      for (const one of seen) this.#take(topic, one);
  }

  async #look(name: string, reader: EventReader<FeedTopic>, batch: FetchedBatch): Promise<SeenEvent[]> {
    const { partition } = batch;
    const place = `${name}/${partition}`;
    if (batch.nextOffset >= batch.logEnd) this.#readUntilMs.set(place, this.#services.now());
    if (batch.isDamaged) return [];
    const { records } = batch;
    for (const id of reader.missing(batch.heads(HEADER_BYTES))) await this.#services.fetchSchema(id);
    const seen: SeenEvent[] = [];
    for (let index = 0; index < records.count; index++) {
      const publishedAtMs = records.publishedAtMs(index);
      const event = reader.read(records.record(index).value);
      // What no landing reads, no feed has said: its letter tells of it.
      if (event instanceof Refusal || publishedAtMs === NO_BROKERS_TIME) continue;
      seen.push({ partition, offset: records.offsetOf(index), publishedAtMs, event: { ...event } });
    }
    return seen;
  }

  #take(topic: FeedTopic, { event, publishedAtMs }: SeenEvent): void {
    if (topic === "symbols") {
      this.#instruments.know(event.symbol_id as string, event.ticker as string, event.exchange as string | null);
    } else if (event.backtest_session_id === null) this.health.take(arrivalOf(topic, event, publishedAtMs));
  }
}

function arrivalOf(kind: "ticks" | "quotes", event: Fields, publishedAtMs: number): Arrival {
  const { bid_price: bid, ask_price: ask } = event;
  return {
    kind,
    symbolId: event.symbol_id as string,
    source: event.source as string,
    venue: event.venue as string | null,
    timestampUs: event.timestamp as number,
    publishedUs: publishedAtMs * 1000,
    sequence: (kind === "ticks" ? event.trade_id : event.sequence) as string | null,
    isCrossed: typeof bid === "number" && typeof ask === "number" && bid > ask,
  };
}

import { isOwnEntry } from "../audit/own-entry.ts";
import { brokenLetter } from "../batch/encode/encoded-batch.ts";
import { RESERVING } from "../batch/encode/judge.ts";
import { type EventReading, readEvent } from "../batch/encode/read-event.ts";
import type { Config } from "../config.ts";
import { EventReader, HEADER_BYTES } from "../event/codec.ts";
import { type LetterReason, Refusal } from "../event/letter.ts";
import type { Registry } from "../event/registry.ts";
import { RULES } from "../event/rules.ts";
import type { EventTopic } from "../event/schemas.ts";
import { checkRead } from "../event/validate.ts";
import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import { NO_BROKERS_TIME, type Records } from "../topic/fetch/records.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a record is, by itself. */
interface Verdict {
  /** Null where it can't be read. */
  readonly event: Fields | null;
  /** What a letter of it would say, as far as the event alone tells; null where it tells of nothing. */
  readonly letter: { readonly reason: LetterReason; readonly detail: string } | null;
}

/** Says of a topic's records what landing would make of each, without a database. */
export class RecordJudge {
  readonly #reading: EventReading;
  readonly #off: ReadonlySet<string>;
  readonly #reserved: ReadonlySet<string>;
  readonly #registry: Registry;

  constructor(
    topic: EventTopic,
    registry: Registry,
    { eventBytesMax, early1970, rulesOff }: Pick<Config, "eventBytesMax" | "early1970" | "rulesOff">,
  ) {
    this.#registry = registry;
    this.#reading = { consumer: { topic }, reader: new EventReader(topic, registry), eventBytesMax, early1970 };
    this.#off = new Set(rulesOff);
    this.#reserved = new Set([...rulesOff, ...RESERVING]);
  }

  /** Asks the registry for what the records of a batch were written with. @throws TradetapeError registry_unreachable */
  async prepare(batch: FetchedBatch): Promise<void> {
    for (const id of this.#reading.reader.missing(batch.heads(HEADER_BYTES))) await this.#registry.fetch(id);
  }

  /** @param value of the record @throws Error where its batch was not prepared: a bug */
  judge(records: Records, index: number, value: Buffer | null): Verdict {
    const fault = value === null ? records.faultAt(index) : undefined;
    if (fault !== undefined) return { event: null, letter: { reason: "unreadable_batch", detail: fault } };
    const publishedAtMs = records.publishedAtMs(index);
    if (publishedAtMs === NO_BROKERS_TIME) {
      const detail = "the record has its producer's time, not the broker's";
      return { event: this.#readable(value), letter: { reason: "producer_time", detail } };
    }
    const read = readEvent(this.#reading, value, publishedAtMs * 1000);
    if (!(read instanceof Refusal)) return { event: read, letter: this.#broken(read) };
    return { event: this.#readable(value), letter: { reason: read.reason, detail: read.detail } };
  }

  /** Of what is too large, or has a wrong time, the event can be read, and is what one wants to see. */
  #readable(value: Buffer | null): Fields | null {
    const event = this.#reading.reader.read(value);
    return event instanceof Refusal ? null : event;
  }

  /** Rules that PostgreSQL holds are asked, too, as this program asks them before it publishes. */
  #broken(event: Fields): Verdict["letter"] {
    const { topic } = this.#reading.consumer;
    const wrong = checkRead(topic, event, topic === "audit" && isOwnEntry(event) ? this.#reserved : this.#off);
    if (wrong === null) return null;
    const rule = RULES[topic].find(({ says }) => says === wrong);
    return rule === undefined ? { reason: "invalid", detail: wrong } : brokenLetter(rule);
  }
}

import type { Config } from "../config.ts";
import { EventReader, HEADER_BYTES } from "../event/codec.ts";
import { Refusal } from "../event/letter.ts";
import type { Registry } from "../event/registry.ts";
import type { RulesOff } from "../event/rules.ts";
import { type EventTopic, TIME_FIELDS } from "../event/schemas.ts";
import { type Early1970, wrongTime } from "../event/time/range.ts";
import { checkRead } from "../event/validate.ts";
import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import { NO_BROKERS_TIME } from "../topic/fetch/records.ts";
import type { Input } from "./inputs.ts";
import type { InputRecord } from "./program.ts";

/** Reads fetched batches into the records that a program is shown. */
export class InputReader {
  readonly #registry: Registry;
  readonly #early1970: Early1970;
  readonly #rulesOff: RulesOff;
  readonly #readers: ReadonlyMap<EventTopic, EventReader>;

  constructor(
    registry: Registry,
    topics: readonly EventTopic[],
    { early1970, rulesOff }: Pick<Config, "early1970" | "rulesOff">,
  ) {
    this.#registry = registry;
    this.#early1970 = early1970;
    this.#rulesOff = new Set(rulesOff);
    this.#readers = new Map(topics.map((topic) => [topic, new EventReader(topic, registry)]));
  }

  /**
   * The records of a batch from `input.next` up to the offset `until`. Left out is what becomes a letter where it lands:
   * what can't be read, isn't well formed, has its producer's time in place of the broker's, or a time that no event may
   * have, since a program goes by the latest time that it has seen.
   * @throws TradetapeError registry_unreachable
   */
  async read(input: Input, batch: FetchedBatch, until: number): Promise<InputRecord[]> {
    const reader = this.#readers.get(input.topic)!;
    for (const id of reader.missing(batch.heads(HEADER_BYTES))) await this.#registry.fetch(id);
    const { records: fetched } = batch;
    const records: InputRecord[] = [];
    for (let index = 0; index < fetched.count; index++) {
      const offset = fetched.offsetOf(index);
      if (offset < input.next) continue;
      if (offset >= until) break;
      if (fetched.publishedAtMs(index) === NO_BROKERS_TIME) continue;
      const event = reader.read(fetched.record(index).value);
      if (event instanceof Refusal || checkRead(input.topic, event, this.#rulesOff) !== null) continue;
      const publishedUs = fetched.publishedAtMs(index) * 1000;
      if (wrongTime(TIME_FIELDS[input.topic], event, this.#early1970, publishedUs) !== null) continue;
      const { topic, partition } = input;
      records.push({ topic, event, partition, offset, publishedUs } as InputRecord);
    }
    return records;
  }
}

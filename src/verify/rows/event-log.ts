import { type Consumer, dayColumnOf, hasherOf } from "../../batch/consumer.ts";
import { encodeBatch } from "../../batch/encode/encode.ts";
import type { Encoder } from "../../batch/encode/encoder.ts";
import { EventFilter } from "../../batch/encode/event-filter.ts";
import { makeEncoder } from "../../batch/encode/make-encoder.ts";
import { firstFrom } from "../../batch/group/withhold.ts";
import { type Config, requireServices } from "../../config.ts";
import { Admission } from "../../event/admission.ts";
import { EventReader, HEADER_BYTES } from "../../event/codec.ts";
import type { Refusal } from "../../event/letter.ts";
import { openRegistry, type Registry } from "../../event/registry.ts";
import type { EventTopic } from "../../event/schemas.ts";
import type { Log } from "../../log.ts";
import { type KnownKeys, openKnownKeys } from "../../signature/known-keys.ts";
import { lettersIn, unservedSessions } from "../../table/checks/rows-of-parts.ts";
import type { Connection } from "../../table/connection.ts";
import { checkCatalog } from "../../table/rows/catalog.ts";
import { RowPicker } from "../../table/rows/row-picker.ts";
import { keptFrom } from "../../table/upkeep/day-partitions.ts";
import type { FetchedBatch } from "../../topic/fetch/fetched-batch.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { type LogClient, withAdmin } from "../../topic/log-client.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";
import { type OffsetRange, readRanges } from "../../topic/read-ranges.ts";

/** What is asked of the log, and of which table. */
interface Asked {
  readonly consumer: Consumer;
  /** The full name. */
  readonly topic: string;
  readonly ranges: readonly OffsetRange[];
  /** Whether rows of an hour are wanted. */
  readonly isHour: (hour: string) => boolean;
}

/** Takes the row that the picker looked at last, of an event of the log. @param start where the row begins in the view */
export type TakeRow = (picker: RowPicker, view: DataView, start: number, end: number, place: RowPlace) => void;

interface RowPlace {
  readonly partition: number;
  readonly offset: number;
}

/** A record of the log, read as landing reads it but for whether its times may be. */
export interface LogRecord extends RowPlace {
  readonly event: Readonly<Record<string, unknown>> | Refusal;
  /** The key that signed it, null where none that counts did; undefined where this process knows no keys. */
  readonly signedBy: string | null | undefined;
}

/** So many rows are in memory at a time, as the log and as the table has them, with some 500 bytes each. */
const ROWS_AT_ONCE = 200_000;

/** The log, read as landing reads it. Nothing is opened before something is asked. */
export class EventLog {
  readonly #config: Config;
  readonly #log: Log;
  readonly rowsAtOnce: number;
  #services:
    | { readonly client: LogClient; readonly registry: Registry; readonly keys: KnownKeys | undefined }
    | undefined;

  constructor(config: Config, log: Log, rowsAtOnce = ROWS_AT_ONCE) {
    this.rowsAtOnce = rowsAtOnce;
    this.#config = config;
    this.#log = log;
  }

  /** The kinds of sessions whose events land, as far as this process knows. */
  get sessionKinds(): Config["sessionKinds"] {
    return this.#config.sessionKinds;
  }

  #open() {
    const config = requireServices(this.#config, "kafkaBrokers", "schemaRegistryUrl");
    this.#services ??= {
      client: openKafka(config, this.#log),
      registry: openRegistry(config, new Admission(config, this.#log)),
      keys: openKnownKeys(config),
    };
    return this.#services;
  }

  /**
   * Where each partition of a topic begins and ends.
   * @throws TradetapeError config_invalid, broker_unreachable, topic_missing
   */
  ends(topic: string): Promise<readonly PartitionOffsets[]> {
    return withAdmin(this.#open().client, (admin) => admin.fetchOffsets(topic));
  }

  /**
   * Tells of every record of these ranges, in the order of the offsets, a batch at a time.
   * @param kind whose events the topic has
   * @throws TradetapeError broker_unreachable, topic_missing, registry_unreachable, batch_unreadable
   */
  async records(
    kind: EventTopic,
    topic: string,
    ranges: readonly OffsetRange[],
    take: (records: readonly LogRecord[]) => Promise<void>,
  ): Promise<void> {
    const { client, registry, keys } = this.#open();
    const reader = new EventReader(kind, registry);
    await readRanges(client, topic, ranges, this.#config, async (batch, { partition, from, to }) => {
      await fetchSchemas(reader, registry, batch);
      const { records } = batch;
      const found: LogRecord[] = [];
      for (let i = firstFrom(records, from); i < firstFrom(records, to); i++) {
        const record = records.record(i);
        const event = reader.read(record.value);
        const { actor } = event as { readonly actor?: unknown };
        const signedBy = keys?.signerName(topic, record, actor, records.publishedAtMs(i));
        found.push({ partition, offset: records.offsetOf(i), event, signedBy });
      }
      await take(found);
      return to;
    });
  }

  /**
   * Parts ranges of a topic into those that the log still holds, and the others.
   * @throws TradetapeError config_invalid, broker_unreachable, topic_missing
   */
  async held(topic: string, ranges: readonly OffsetRange[]): Promise<{ held: OffsetRange[]; gone: OffsetRange[] }> {
    const ends = await this.ends(topic);
    const parts = ranges.map(({ partition, from, to }) => {
      const { low, high } = ends.find((end) => end.partition === partition) ?? { low: to, high: to };
      const [first, next] = [Math.min(Math.max(from, low), to), Math.max(Math.min(to, high), from)];
      return [
        { partition, from, to: first },
        { partition, from: first, to: next },
        { partition, from: Math.max(first, next), to },
      ] as const;
    });
    const filled = (range: OffsetRange) => range.from < range.to;
    return {
      held: parts.map(([, held]) => held).filter(filled),
      gone: parts.flatMap(([before, , behind]) => [before, behind]).filter(filled),
    };
  }

  /**
   * Tells of every row that landing would make of these ranges, in the order of the offsets. Left out are letters and what
   * was filtered: events of sessions that were deleted or aren't served, and of days that retention dropped.
   * @throws TradetapeError broker_unreachable, topic_missing, registry_unreachable, catalog_mismatch
   */
  async read(connection: Connection, asked: Asked, take: TakeRow, onRead: (records: number) => void): Promise<void> {
    const { client, registry } = this.#open();
    const { consumer, topic, ranges, isHour } = asked;
    const { landing } = consumer;
    const columns = await checkCatalog(connection, landing, dayColumnOf(consumer));
    const filter = new EventFilter(this.#config.sessionKinds);
    const encoder: Encoder = {
      ...makeEncoder(consumer, columns, registry, filter, this.#config, undefined),
      newDaysPerBatchMax: Number.POSITIVE_INFINITY,
    };
    const letters = new Set(
      (await lettersIn(connection, topic, ranges)).map((one) => `${one.partition}/${one.offset}`),
    );
    const unserved = await unservedSessions(connection, filter.kinds);
    const kept = consumer.partitionedByDay ? await keptFrom(connection, landing.table) : undefined;
    const picker = new RowPicker(
      landing,
      hasherOf(consumer)!,
      (hour) => isHour(hour) && (kept === undefined || hour >= kept),
    );
    const isFiltered = (view: DataView, start: number) => {
      const session = unserved.size === 0 ? null : picker.session(view, start);
      return session !== null && unserved.has(session);
    };
    const isLetter = ({ partition, offset }: RowPlace) => letters.size > 0 && letters.has(`${partition}/${offset}`);
    await readRanges(client, topic, ranges, this.#config, async (batch, { partition, from, to }) => {
      await fetchSchemas(encoder.reader, registry, batch);
      const { records } = batch;
      const range = { firstOffset: from, nextOffset: to, from: firstFrom(records, from), to: firstFrom(records, to) };
      const { rows, nextOffset } = encodeBatch(encoder, partition, records, range);
      const view = new DataView(rows.bytes.buffer, rows.bytes.byteOffset, rows.bytes.length);
      let start = 0;
      for (let i = 0; i < rows.ends.length; i++) {
        const end = picker.look(view, start);
        if (picker.isWanted && !isFiltered(view, start)) {
          const place = { partition, offset: records.offsetOf(rows.indexes[i]!) };
          if (!isLetter(place)) take(picker, view, start, end, place);
        }
        start = end;
      }
      onRead(range.to - range.from);
      return nextOffset;
    });
  }
}

async function fetchSchemas(reader: EventReader, registry: Registry, batch: FetchedBatch): Promise<void> {
  for (const id of reader.missing(batch.heads(HEADER_BYTES))) await registry.fetch(id);
}

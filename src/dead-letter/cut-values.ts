import { createHash } from "node:crypto";
import { firstFrom } from "../batch/group/withhold.ts";
import type { Config } from "../config.ts";
import type { LetterPlace, LetterRecord } from "../table/letters/letter-actions.ts";
import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import { type LogClient, withAdmin } from "../topic/log-client.ts";
import { type OffsetRange, readRanges } from "../topic/read-ranges.ts";

/** Where the logs are that letters' events came from. */
export interface LogSource {
  readonly client: LogClient;
  readonly config: Pick<Config, "fetchPartitionBytesMax" | "sessionTimeoutMs">;
}

/** A letter whose event is nowhere any more. */
export interface GoneValue {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly why: string;
}

/** Letters' records, and those that nobody has whole. */
interface WholeRecords {
  readonly whole: readonly LetterRecord[];
  readonly gone: readonly GoneValue[];
}

/**
 * Reads from the log the values of which letters keep the beginning only, and believes it where length and digest are the
 * letter's.
 * @param place of a log that was cut since nothing is read: another record has the offset now
 * @throws TradetapeError broker_unreachable, topic_missing
 */
export async function withWholeValues(
  source: LogSource,
  place: LetterPlace,
  records: readonly LetterRecord[],
  stop: AbortSignal,
): Promise<WholeRecords> {
  const { topic, partition } = place;
  const cut = records.filter((record) => record.cut !== null);
  if (cut.length === 0) return { whole: records, gone: [] };
  const found = await valuesAt(source, place, cut, stop);
  const gone: GoneValue[] = [];
  const whole = records.flatMap((record): LetterRecord[] => {
    if (record.cut === null) return [record];
    const value = found.get(record.offset);
    if (Buffer.isBuffer(value) && isOf(record.cut, value)) return [{ ...record, value, cut: null }];
    const why = typeof value === "string" ? value : "the log has another record at this offset, or none";
    gone.push({ topic, partition, offset: record.offset, why });
    return [];
  });
  return { whole, gone };
}

const isOf = ({ bytes, sha256 }: NonNullable<LetterRecord["cut"]>, value: Buffer): boolean =>
  value.length === bytes && createHash("sha256").update(value).digest("hex") === sha256;

type Found = ReadonlyMap<number, Buffer | string | null>;

/** The values at the offsets of these letters; a text says why there is none to be read. */
async function valuesAt(
  { client, config }: LogSource,
  { topic, partition, rewind }: LetterPlace,
  letters: readonly LetterRecord[],
  stop: AbortSignal,
): Promise<Found> {
  const found = new Map<number, Buffer | string | null>();
  if (rewind > 0) {
    for (const { offset } of letters) found.set(offset, "the log was cut since, and lost it");
    return found;
  }
  const log = await withAdmin(client, (admin) => admin.fetchOffsets(topic));
  const { low, high } = log.find((one) => one.partition === partition) ?? { low: 0, high: 0 };
  const ranges: OffsetRange[] = [];
  for (const { offset } of letters) {
    if (offset < low) found.set(offset, `the log begins at offset ${low} by now`);
    else if (offset >= high) found.set(offset, `the log ends at offset ${high}`);
    else ranges.push({ partition, from: offset, to: offset + 1 });
  }
  await readRanges(client, topic, ranges, { ...config, stop }, async (batch, { from }) => {
    found.set(from, valueAt(batch, from));
    return from + 1;
  });
  return found;
}

function valueAt({ records }: FetchedBatch, offset: number): Buffer | null {
  const index = firstFrom(records, offset);
  if (index === records.count || records.offsetOf(index) !== offset) return null;
  return records.record(index).value;
}

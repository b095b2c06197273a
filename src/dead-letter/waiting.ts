import { firstFrom } from "../batch/group/withhold.ts";
import { schemaIdOf } from "../event/codec.ts";
import type { Connection } from "../table/connection.ts";
import { nextOffsets } from "../table/landing/landed.ts";
import { firstParked, parkedSchemas } from "../table/letters/allowed-letters.ts";
import type { LogClient, MemberOptions } from "../topic/log-client.ts";
import type { PartitionOffsets } from "../topic/offsets.ts";
import { type OffsetRange, readRanges } from "../topic/read-ranges.ts";

/** Offsets of a partition that wait: behind what has landed, or parked. */
export interface WaitingRange {
  readonly partition: number;
  readonly fromOffset: number;
  readonly nextOffset: number;
}

/** What waits of a topic, up to the end of its log. @param name the topic's full name */
export async function waitingRanges(
  connection: Connection,
  name: string,
  log: readonly PartitionOffsets[],
): Promise<readonly WaitingRange[]> {
  const landed = await nextOffsets(connection, name);
  const parked = await firstParked(connection, name);
  return log
    .map(({ partition, low, high }) => {
      const next = landed.get(partition) ?? low;
      return { partition, fromOffset: Math.min(next, parked.get(partition) ?? next), nextOffset: Math.max(next, high) };
    })
    .filter(({ fromOffset, nextOffset }) => fromOffset < nextOffset);
}

/** What the log holds of a topic behind what has landed. @param name the topic's full name */
export async function unlandedRanges(
  connection: Connection,
  name: string,
  log: readonly PartitionOffsets[],
): Promise<readonly OffsetRange[]> {
  const landed = await nextOffsets(connection, name);
  return log
    .map(({ partition, low, high }) => ({ partition, from: Math.max(low, landed.get(partition) ?? low), to: high }))
    .filter(({ from, to }) => from < to);
}

interface SearchOptions extends Pick<MemberOptions, "fetchPartitionBytesMax" | "sessionTimeoutMs"> {
  readonly stop: AbortSignal;
  readonly onProgress: (seen: number, total: number) => void;
}

/**
 * Looks for a schema among those that events which wait say they are written with, in the log and parked.
 * @param name the topic's full name
 * @returns the schemas that were seen: all of them where it isn't among them and `stop` wasn't aborted
 */
export async function findWaitingSchema(
  client: LogClient,
  connection: Connection,
  {
    name,
    log,
    schemaId,
  }: { readonly name: string; readonly log: readonly PartitionOffsets[]; readonly schemaId: number },
  { onProgress, stop, ...limits }: SearchOptions,
): Promise<ReadonlySet<number>> {
  const parked = await parkedSchemas(connection, name);
  const seen = new Set(parked.flatMap((one) => one.schemaId ?? []));
  if (seen.has(schemaId)) return seen;
  const ranges = await unlandedRanges(connection, name, log);
  const total = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  const found = new AbortController();
  const options = { ...limits, stop: AbortSignal.any([stop, found.signal]) };
  let done = 0;
  await readRanges(client, name, ranges, options, async ({ records }, { from, to }) => {
    for (let index = firstFrom(records, from); index < records.count && records.offsetOf(index) < to; index++) {
      const id = schemaIdOf(records.record(index).value);
      if (id !== undefined) seen.add(id);
    }
    done += to - from;
    onProgress(done, total);
    if (seen.has(schemaId)) found.abort();
    return to;
  });
  return seen;
}

import { TradetapeError } from "../../errors.ts";
import type { LogAdmin } from "../../topic/log-client.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";
import { timeOf, wrong } from "../flags.ts";

/**
 * Where reading begins, by partition, as --from says it: a time, or an offset, of which the partition has to be told where there
 * are several.
 * @param ends of all the topic's partitions
 * @throws TradetapeError input_invalid for what can't be read, or lies outside of what the log holds
 */
export async function readFrom(
  text: string,
  admin: LogAdmin,
  topicName: string,
  ends: readonly PartitionOffsets[],
  nowMs: number,
): Promise<ReadonlyMap<number, number>> {
  const [, at, offset] = /^(?:(\d{1,9}):)?(\d{1,15})$/.exec(text) ?? [];
  if (offset === undefined) {
    const iso = timeOf("--from", text, nowMs);
    return admin.fetchOffsetsAt(topicName, Date.parse(iso!));
  }
  if (at === undefined && ends.length > 1) {
    const each = ends.map(({ partition }) => `${partition}:${offset}`).join(", ");
    throw wrong(
      `--from ${offset}, of which nobody knows the partition,`,
      `${each}; or a time, as 2026-07-01T14:30Z or 15m`,
    );
  }
  const partition = Number(at ?? ends[0]?.partition ?? 0);
  const end = ends.find((one) => one.partition === partition);
  if (end === undefined) throw wrong(`--from ${text}`, `a partition of 0 to ${ends.length - 1}, as in 0:${offset}`);
  const { low, high } = end;
  if (Number(offset) >= low && Number(offset) <= high) return new Map([[partition, Number(offset)]]);
  throw new TradetapeError(
    "input_invalid",
    `--from ${text}: ${topicName}/${partition} holds offsets ${low} to ${high}`,
    {
      next: "What lay before them is gone from the log: what landed of it is in its table.",
    },
  );
}

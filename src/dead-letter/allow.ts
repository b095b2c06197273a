import { randomUUID } from "node:crypto";
import { recordSetAside, recordSkippedSchema } from "../operator/audit-entries.ts";
import type { Ops } from "../operator/ops.ts";
import { committed } from "../table/committed.ts";
import type { Connection } from "../table/connection.ts";
import { nextOffsets } from "../table/landing/landed.ts";
import { allowOffsets, allowSchema, endSchema, firstParked } from "../table/letters/allowed-letters.ts";
import type { PartitionOffsets } from "../topic/offsets.ts";

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

/** Has the events of these offsets become letters where they can't land, without stopping their group; audited. */
export async function setAside(ops: Ops, topic: string, ranges: readonly WaitingRange[], note: string): Promise<void> {
  const actionId = randomUUID();
  await committed(ops.connection, async () => {
    await allowOffsets(ops.connection, topic, ranges, { note, actor: ops.actor });
    for (const range of ranges) await recordSetAside(ops, { actionId, topic, ...range, note });
  });
}

/**
 * The same for all events of a schema from now on, or takes that back.
 * @returns whether it changed anything; only then it is audited
 */
export async function skipSchema(
  ops: Ops,
  topic: string,
  { schemaId, isEnded, note }: { readonly schemaId: number; readonly isEnded: boolean; readonly note: string },
): Promise<boolean> {
  const { connection, actor } = ops;
  return committed(connection, async () => {
    const isChanged = isEnded
      ? await endSchema(connection, topic, schemaId)
      : await allowSchema(connection, topic, schemaId, { note, actor });
    if (isChanged) await recordSkippedSchema(ops, { actionId: randomUUID(), topic, schemaId, isEnded, note });
    return isChanged;
  });
}

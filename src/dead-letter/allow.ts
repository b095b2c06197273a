import { randomUUID } from "node:crypto";
import { BECAUSE } from "../batch/land/letter-verdict.ts";
import { TradetapeError } from "../errors.ts";
import { EventReader } from "../event/codec.ts";
import type { Subjects } from "../event/http/subjects.ts";
import type { Registry } from "../event/registry.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Ops } from "../operator/ops.ts";
import { committed } from "../table/committed.ts";
import {
  allowOffsets,
  allowSchema,
  endAllowance,
  heldAllowances,
  heldOffsets,
  heldSchema,
} from "../table/letters/allowed-letters.ts";
import type { WaitingRange } from "./waiting.ts";

/** Has the events of these offsets become letters where they can't land, without stopping their group; audited. */
export async function setAside(ops: Ops, topic: string, ranges: readonly WaitingRange[], note: string): Promise<void> {
  const action = { note, actionId: randomUUID(), osUser: ops.osUser };
  await committed(ops.connection, async () => {
    for (const range of ranges) await allowOffsets(ops.connection, topic, range, action);
  });
}

/** Takes back what was set aside of a topic and has not landed yet; audited. @returns the offsets */
export const endSetAside = (ops: Ops, topic: string, note: string): Promise<readonly WaitingRange[]> =>
  committed(ops.connection, async () => {
    const ended: WaitingRange[] = [];
    for (const { allowedId, ...range } of await heldOffsets(ops.connection, topic)) {
      // Offsets that were set aside twice have entries of their own only by actions of their own.
      const action = { note, actionId: randomUUID(), osUser: ops.osUser };
      if (await endAllowance(ops.connection, allowedId, action)) ended.push(range);
    }
    return ended;
  });

/** A schema whose events become letters, or no longer do. @param topic the full name */
interface Skip {
  readonly topic: string;
  readonly schemaId: number;
  readonly note: string;
}

/**
 * Has events of a schema become letters from now on where they can't land, without stopping their group; audited.
 * @param everyWriter whether it was said that every writer of the topic is meant
 * @returns false where it did before, which isn't audited
 */
export const skipSchema = (
  { connection, osUser }: Ops,
  { topic, schemaId, note }: Skip,
  everyWriter: boolean,
): Promise<boolean> =>
  committed(connection, () =>
    allowSchema(connection, topic, { schemaId, everyWriter }, { note, actionId: randomUUID(), osUser }),
  );

/** Takes that back; audited. @returns false where somebody else had, which isn't audited */
export const endSkip = ({ connection, osUser }: Ops, { topic, schemaId, note }: Skip): Promise<boolean> =>
  committed(connection, async () => {
    const held = await heldSchema(connection, topic, schemaId);
    return held !== undefined && (await endAllowance(connection, held, { note, actionId: randomUUID(), osUser }));
  });

/** @throws TradetapeError input_invalid where a schema isn't skipped, with those that are */
export async function requireSkipped({ connection }: Ops, topic: string, schemaId: number): Promise<void> {
  const held = await heldAllowances(connection);
  const skipped = held.flatMap((one) => (one.topic === topic ? (one.schemaId ?? []) : []));
  if (skipped.includes(schemaId)) return;
  throw new TradetapeError("input_invalid", `schema ${schemaId} isn't skipped in ${topic}`, {
    next: skipped.length === 0 ? `No schema is skipped in ${topic}.` : `Those that are: ${skipped.join(", ")}.`,
  });
}

/**
 * Refuses to skip the topic's own schema: its letters are those of every writer, and the group would never stop again.
 * @param name the topic's full name
 * @throws TradetapeError input_invalid, registry_unreachable
 */
export async function refuseOwnSchema(
  { registry, subjects }: { readonly registry: Registry; readonly subjects: Pick<Subjects, "newest"> },
  { topic, name, schemaId }: { readonly topic: EventTopic; readonly name: string; readonly schemaId: number },
): Promise<void> {
  await registry.fetch(schemaId);
  const isOwn = new EventReader(topic, registry).isOwn(schemaId);
  if (!isOwn && (await subjects.newest(name)) !== schemaId) return;
  const message =
    `schema ${schemaId} is the topic's own: to skip it has whatever any writer of ${name} writes badly become letters from ` +
    "now on, and the group never stops for them again";
  throw new TradetapeError("input_invalid", message, {
    next:
      `Set aside what waits now: \`tradetape dead-letters set-aside ${topic} ${BECAUSE}\`. Where every writer is meant, from ` +
      `now on, say so: \`tradetape dead-letters skip-schema ${topic} ${schemaId} --every-writer ${BECAUSE}\`.`,
  });
}

/**
 * Refuses a schema that no waiting event names: a wrong number would be skipped for ever, without a word.
 * @param seen the schemas that waiting events name
 * @throws TradetapeError input_invalid
 */
export function requireWaiting(topic: string, schemaId: number, seen: ReadonlySet<number>): void {
  if (seen.has(schemaId)) return;
  const ids = [...seen].sort((a, b) => a - b);
  const shown = ids.slice(0, IDS_SHOWN_MAX).join(", ");
  throw new TradetapeError("input_invalid", `no event of ${topic} that waits is written with schema ${schemaId}`, {
    next:
      ids.length === 0
        ? `Nothing of ${topic} that waits names a schema; \`tradetape dead-letters preview ${topic}\` says what waits.`
        : `What waits is written with schema ${shown}${ids.length > IDS_SHOWN_MAX ? " and others" : ""}; ` +
          `\`tradetape dead-letters preview ${topic}\` says which of it can't land.`,
  });
}

const IDS_SHOWN_MAX = 20;

import { TradetapeError } from "../errors.ts";
import { EventReader } from "../event/codec.ts";
import { Refusal } from "../event/letter.ts";
import type { Registry } from "../event/registry.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { StoredLetter } from "../table/letters/dead-letters.ts";

/** What can be read of a letter's event. */
export type LetterReading =
  | { readonly event: Readonly<Record<string, unknown>> }
  /** Why there is no event to show. */
  | { readonly unreadable: string };

/**
 * Decodes a letter's event. A letter about its data decodes well: what is wrong with it is then seen in a field.
 * @param registry undefined when its address isn't known
 */
export async function readLetterEvent(
  topic: EventTopic,
  letter: Pick<StoredLetter, "value" | "cut">,
  registry: Registry | undefined,
): Promise<LetterReading> {
  if (letter.cut !== null) return { unreadable: "it is larger than an event may be, and only its beginning is kept" };
  if (registry === undefined) return { unreadable: "SCHEMA_REGISTRY_URL is not set, and its schema is there" };
  const reader = new EventReader(topic, registry);
  try {
    for (const id of reader.missing([letter.value])) await registry.fetch(id);
  } catch (error) {
    if (!(error instanceof TradetapeError)) throw error;
    return { unreadable: `the registry that has its schema is away: ${error.message}` };
  }
  const event = reader.read(letter.value);
  if (event instanceof Refusal) return { unreadable: event.detail };
  return { event };
}

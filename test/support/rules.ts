import { readFileSync } from "node:fs";
import type { EventTopic } from "../../src/event/schemas.ts";

export type Event = Readonly<Record<string, unknown>>;

/** What schemas/rules.json says of `topic`'s event: `change`, made to the topic's good one, breaks one rule or none. */
interface Vector {
  readonly topic: EventTopic;
  readonly why: string;
  readonly change: Event;
  readonly breaks: string | null;
}

interface RulesFile {
  readonly rules: Readonly<Record<EventTopic, readonly { readonly name: string; readonly says: string }[]>>;
  readonly good: Readonly<Record<EventTopic, Event>>;
  readonly vectors: readonly Vector[];
}

export const RULES_FILE = JSON.parse(
  readFileSync(new URL("../../schemas/rules.json", import.meta.url), "utf8"),
) as RulesFile;

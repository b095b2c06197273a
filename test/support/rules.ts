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

/** The same of a link: `parent` is the change that is made to the parent's good event. */
interface LinkVector extends Vector {
  readonly topic: "decisions" | "fills";
  readonly parent?: Event;
}

interface Named {
  readonly name: string;
  readonly says: string;
  readonly field: string;
  readonly switch?: true;
}

interface RulesFile {
  readonly rules: Readonly<Record<EventTopic, readonly Named[]>>;
  readonly links: Readonly<Record<LinkVector["topic"], readonly (Named & { readonly parent: EventTopic })[]>>;
  readonly linkVectors: readonly LinkVector[];
  readonly good: Readonly<Record<EventTopic, Event>>;
  readonly vectors: readonly Vector[];
}

export const RULES_FILE = JSON.parse(
  readFileSync(new URL("../../schemas/rules.json", import.meta.url), "utf8"),
) as RulesFile;

/** What TRADETAPE_RULES_OFF may name. */
export const SWITCHED_RULES: readonly string[] = [
  ...Object.values(RULES_FILE.rules).flatMap((rules) => rules.filter((rule) => rule.switch)),
  ...Object.values(RULES_FILE.links).flat(),
].map(({ name }) => name);

import { TradetapeError } from "../errors.ts";
import { isUuid } from "../event/field/checks.ts";
import type { AnyTimeInput } from "../event/field/inputs.ts";
import type { EventTopic } from "../event/schemas.ts";
import { readMicros, type Time } from "../event/time/micros.ts";
import type { AgentIdentity, PredictionFields } from "./fields.ts";

/** @throws TradetapeError input_invalid */
export function microsOf(topic: EventTopic, name: string, time: Time): number {
  const us = readMicros(time);
  if (typeof us === "string") refuse(topic, `${name} ${us}`);
  return us as number;
}

export const microsOrNull = (topic: EventTopic, name: string, time: Time | null | undefined): number | null =>
  time === null || time === undefined ? null : microsOf(topic, name, time);

/** The text of the field `inputs`; what is no list is left for `checkEvent` to judge. */
export function inputsText(topic: EventTopic, inputs: PredictionFields["inputs"]): string | null {
  if (!Array.isArray(inputs)) return (inputs as string | null | undefined) ?? null;
  const read = inputs.map((input: AnyTimeInput) =>
    input?.known_at === undefined ? input : { ...input, known_at: microsOf(topic, "inputs", input.known_at) },
  );
  return JSON.stringify(read);
}

/** Undefined is left out. Ids and links are set behind these: who spreads an event into the next hands them over, too. */
export const defined = <F extends object>(fields: F): F =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as F;

/** What ids are made of has to be there before they are made. */
export function requireText(topic: EventTopic, named: Readonly<Record<string, string | undefined>>): void {
  for (const [name, text] of Object.entries(named)) {
    if (typeof text !== "string" || text === "") refuse(topic, `${name} must be given, as text`);
  }
}

export function refuse(topic: EventTopic, wrong: string | null): void {
  if (wrong === null) return;
  throw new TradetapeError("input_invalid", `${topic}: ${wrong}`, { next: "Nothing was published; mend the call." });
}

/** @throws TradetapeError input_invalid for an actor or a model without a name, or a strategy or session that is no UUID */
export function requireIdentity({ actor, modelVersion, strategyId, session }: AgentIdentity): void {
  const wrong =
    (actor === "" ? "actor must not be empty" : null) ??
    (modelVersion === "" ? "modelVersion must not be empty" : null) ??
    (isUuid(strategyId) ? null : "strategyId must be a UUID in lower case; strategyId(name) makes one of a name") ??
    (isUuid(session ?? strategyId) ? null : "session must be the UUID of a published session, or null");
  if (wrong !== null)
    throw new TradetapeError("input_invalid", `agent: ${wrong}`, { next: "Mend the agent's options." });
}

import type { Time } from "../time/micros.ts";
import { checkJson, isUuid } from "./checks.ts";

/** The kinds of events that an event may be made of. */
const KINDS = ["tick", "quote", "bar", "indicator", "prediction", "decision", "fill", "performance"] as const;

/** One event that a prediction or a decision was made of, as the field `inputs` names it. */
export interface NamedInput {
  readonly kind: (typeof KINDS)[number];
  /** The event's own id. */
  readonly id: string;
  /** Which revision it was: when the broker had it, microseconds since 1970. Left out where it isn't known. */
  readonly known_at?: number;
  /** The number that was used, where it was one: a bar's close, an indicator's value. */
  readonly value?: number;
}

/** The same, with its time in any form that `micros` reads. */
export type AnyTimeInput = Omit<NamedInput, "known_at"> & { readonly known_at?: Time };

const FIELDS: ReadonlySet<string> = new Set(["kind", "id", "known_at", "value"]);

/** @returns what is wrong with one of the inputs, as the end of a sentence */
function wrongInput(input: unknown): string | null {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return "must be an object";
  const { kind, id, known_at: knownAt, value } = input as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(input)) if (!FIELDS.has(name)) return `must not have ${JSON.stringify(name)}`;
  if (!(KINDS as readonly unknown[]).includes(kind)) return `must have as kind one of ${KINDS.join(", ")}`;
  if (!isUuid(id)) return "must have as id a UUID in lower case";
  if (knownAt !== undefined && !Number.isSafeInteger(knownAt))
    return "must have as known_at whole microseconds since 1970";
  return value === undefined || Number.isFinite(value) ? null : "must have as value a finite number";
}

/** Judges the text of the field. */
export function checkInputs(text: unknown): string | null {
  const wrong = checkJson(text);
  if (wrong !== null) return wrong;
  const inputs: unknown = JSON.parse(text as string);
  if (!Array.isArray(inputs)) return "must be a list";
  for (const [n, input] of inputs.entries()) {
    const sentence = wrongInput(input);
    if (sentence !== null) return `item ${n} ${sentence}`;
  }
  return null;
}

/** @param text which `checkInputs` finds nothing wrong with; null names none */
export const readInputs = (text: string | null): readonly NamedInput[] => (text === null ? [] : JSON.parse(text));

import { hash } from "node:crypto";

type Fields = Readonly<Record<string, unknown>>;

/** What a rule of `schemas/rules.json` demands of its field; the file's `about` says how each reads. */
export interface DeclaredDemand {
  readonly name: string;
  readonly field: string;
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly is?: number | boolean | null;
  readonly not?: string;
  readonly atLeast?: string;
  readonly before?: string;
  readonly between?: readonly [low: string, high: string];
  readonly length?: Readonly<Record<string, number | null>>;
  readonly reserved?: readonly string[];
  readonly digestOf?: string;
  readonly given?: true;
}

/** Numbers that differ by no more than this part of one of them are taken for equal: arithmetic on doubles loses as much. */
const ROUNDING = 1e-9;

/** Whether a number is greater than another by more than a rounding. */
export const isAbove = (value: number, most: number): boolean => value - most > ROUNDING * Math.abs(value);

/** Whether a number lies below the low one or above the high one, by more than a rounding. */
export const isOutside = (value: number, low: number, high: number): boolean =>
  isAbove(low, value) || isAbove(value, high);

/** The texts that a length of time may be: nearly all events repeat one of a few, which isn't examined again. */
function isLength(units: Readonly<Record<string, number | null>>): (text: string) => boolean {
  const known = new Set<string>();
  return (text) => {
    if (known.has(text)) return true;
    const [, digits, unit] = /^([1-9]\d{0,3})([a-z]+)$/.exec(text) ?? [];
    if (unit === undefined || !Object.hasOwn(units, unit)) return false;
    const next = units[unit]!;
    if (next !== null && Number(digits) % next === 0) return false;
    known.add(text);
    return true;
  };
}

/** Whether a text is one of these, or begins as one of them that ends with a star. */
function isReserved(reserved: readonly string[]): (text: string) => boolean {
  const whole = new Set(reserved.filter((name) => !name.endsWith("*")).map((name) => name.toLowerCase()));
  const begun = reserved.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1).toLowerCase());
  return (text) => {
    const own = text.trim().toLowerCase();
    return whole.has(own) || begun.some((name) => own.startsWith(name));
  };
}

/** Of an event's value, which is neither null nor absent: whether it fails the demand. */
function failing(demand: DeclaredDemand): (value: unknown, event: Fields) => boolean {
  const { name, min, max, above, is, not, atLeast, before, between, length, reserved, digestOf } = demand;
  if (min !== undefined || max !== undefined) {
    const [least, most] = [min ?? Number.NEGATIVE_INFINITY, max ?? Number.POSITIVE_INFINITY];
    return (value) => (value as number) < least || (value as number) > most;
  }
  if (above !== undefined) return (value) => (value as number) <= above;
  if (is !== undefined) return (value) => value !== is;
  if (not !== undefined) return (value) => value === not;
  if (atLeast !== undefined) {
    return (value, event) => {
      const other = event[atLeast] as number | null | undefined;
      return other !== null && other !== undefined && (value as number) < other;
    };
  }
  if (before !== undefined) {
    return (value, event) => {
      const other = event[before] as number | null | undefined;
      return other !== null && other !== undefined && (value as number) >= other;
    };
  }
  if (between !== undefined) {
    const [low, high] = between;
    return (value, event) => {
      const number = value as number;
      return isOutside(number, (event[low] ?? number) as number, (event[high] ?? number) as number);
    };
  }
  if (length !== undefined) {
    const isWell = isLength(length);
    return (value) => !isWell(value as string);
  }
  if (digestOf !== undefined) {
    return (value, event) => {
      const text = event[digestOf] as string | null | undefined;
      return text !== null && text !== undefined && value !== hash("sha256", text, "hex");
    };
  }
  if (reserved === undefined) throw new Error(`schemas/rules.json: ${name} demands nothing`);
  const isOurs = isReserved(reserved);
  return (value) => isOurs(value as string);
}

/** Whether an event fails a rule's demand. */
export function compileDemand(demand: DeclaredDemand): (event: Fields) => boolean {
  const { field } = demand;
  if (demand.given) return (event) => event[field] === null || event[field] === undefined;
  const fails = failing(demand);
  return (event) => {
    const value = event[field];
    return value !== null && value !== undefined && fails(value, event);
  };
}

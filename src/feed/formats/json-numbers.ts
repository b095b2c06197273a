/** A number as its text, which JSON.stringify writes as it is. Node has it, TypeScript's library not yet. */
interface RawNumber {
  readonly rawJSON: string;
}
declare global {
  interface JSON {
    rawJSON(text: string): RawNumber;
    isRawJSON(value: unknown): value is RawNumber;
    parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  }
}

export const isRawNumber = JSON.isRawJSON;

/** A double keeps every whole number below 9e15 (2^53 is 9.007e15), so times in microseconds don't count as long. */
const LONG_NUMBER = /\d{17}|9\d{15}/;

/**
 * Parses JSON and keeps, as raw text, each number that a double would change: ids and nanoseconds beyond 2^53, and also
 * spellings like 1.0. `everyNumber` false skips the costly part for lines whose numbers are all short.
 */
export function parseExactly(text: string, everyNumber: boolean): unknown {
  if (!everyNumber && !LONG_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value,
  );
}

/** The double a raw number names, or undefined when it is a whole number that a double can't hold. */
export function doubleOf(raw: RawNumber): number | undefined {
  const value = Number(raw.rawJSON);
  if (!/^-?\d+$/.test(raw.rawJSON)) return value;
  return Number.isFinite(value) && BigInt(value) === BigInt(raw.rawJSON) ? value : undefined;
}

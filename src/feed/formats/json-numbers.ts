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

const QUOTE = '"';
const BACKSLASH = 92;
const COLON = 58;
/** A blank, a tab, a line feed or a carriage return: what JSON may have before a colon. */
const isBlank = (code: number) => code === 32 || code === 9 || code === 10 || code === 13;

/** Whether an object in the text names a member twice, of which JSON.parse keeps the last one without a word. */
export const repeatsName = (text: string, parsed: unknown): boolean => namesIn(text) !== membersOf(parsed);

/** How many texts stand before a colon. */
function namesIn(json: string): number {
  let names = 0;
  for (let start = json.indexOf(QUOTE); start >= 0; ) {
    let after = endOfText(json, start) + 1;
    while (isBlank(json.charCodeAt(after))) after++;
    if (json.charCodeAt(after) === COLON) names++;
    start = json.indexOf(QUOTE, after);
  }
  return names;
}

/** Where the text that begins with this quote has its other one: behind an even number of backslashes. */
function endOfText(json: string, start: number): number {
  for (let end = json.indexOf(QUOTE, start + 1); ; end = json.indexOf(QUOTE, end + 1)) {
    let first = end;
    while (json.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((end - first) % 2 === 0) return end;
  }
}

function membersOf(parsed: unknown): number {
  let members = 0;
  const open = [parsed];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null || isRawNumber(value)) continue;
    const inner = Object.values(value);
    if (!Array.isArray(value)) members += inner.length;
    for (const one of inner) if (typeof one === "object") open.push(one);
  }
  return members;
}

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?$/;

/**
 * The double that decimal text names; NaN when it names none. Stricter than Number(), which takes "", "0x10" and
 * "Infinity" for numbers; an overflow to infinity is NaN, too.
 */
export function decimal(text: string): number {
  const trimmed = text.trim();
  if (!DECIMAL.test(trimmed)) return Number.NaN;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : Number.NaN;
}

const ZERO = 48;
/** Fifteen digits are exact in a double whatever they are; longer ones go the slow way. */
const FAST_DIGITS = 15;

/** A whole number of up to 15 digits in `text` from `start` to `end`, or -1: what most columns of a tick file hold. */
export function digits(text: string, start: number, end: number): number {
  const length = end - start;
  if (length <= 0 || length > FAST_DIGITS) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

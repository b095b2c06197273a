import { decimal } from "../decimal.ts";

export type DecimalSign = "." | ",";

/** How one column's numbers are written. */
export interface NumberStyle {
  /** Undefined while no number of the file showed one: then only whole numbers are taken. */
  readonly decimal: DecimalSign | undefined;
  /** The sign between groups of three digits, besides blanks; "" when there is none. */
  readonly group: string;
  /** Whether an apostrophe stands between groups, too. */
  readonly hasApostrophe: boolean;
  /** Power of ten that values are multiplied by, as in -4 for 1/10000. */
  readonly power: number;
  /** Whether K, M, B and T may stand behind the number, as in 3.49M. */
  readonly hasSuffix: boolean;
}

const SUFFIXES: Readonly<Record<string, number>> = { K: 3, M: 6, B: 9, T: 12 };
const BLANK_GROUP = /(?<=\d)[\s\u00a0\u202f](?=\d{3})/g;
const APOSTROPHE_GROUP = /(?<=\d)['’](?=\d{3})/g;

/** Takes off what people put around numbers: a dollar sign, and blanks or apostrophes between groups. */
function bare(text: string, hasApostrophe: boolean): string {
  const signed = text.replace(/^([+-]?)\$/, "$1");
  const blank = /[\s\u00a0\u202f]/.test(signed) ? signed.replace(BLANK_GROUP, "") : signed;
  return hasApostrophe && /['’]/.test(blank) ? blank.replace(APOSTROPHE_GROUP, "") : blank;
}

type Evidence = DecimalSign | "both" | undefined;

/**
 * Which decimal sign a number's text proves. "131,450" proves nothing: one sign with three digits behind it and one to
 * three before it may stand before decimals or between groups.
 */
function evidenceOf(text: string): Evidence {
  const digits = bare(text, true).replace(/[KMBT]$/, "");
  if (!/^[+-]?[\d.,]*\d([eE][+-]?\d+)?$/.test(digits)) return undefined;
  const dots = digits.split(".").length - 1;
  const commas = digits.split(",").length - 1;
  if (dots === 0 && commas === 0) return undefined;
  if (dots > 0 && commas > 0) return digits.lastIndexOf(".") > digits.lastIndexOf(",") ? "." : ",";
  const [sign, other]: [DecimalSign, DecimalSign] = dots > 0 ? [".", ","] : [",", "."];
  if (dots + commas > 1) return other;
  const isEither = /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(digits);
  return isEither ? undefined : sign;
}

/** What the numbers of a file prove together. */
export interface DecimalFinding {
  readonly sign: Evidence;
  /** How many numbers prove each sign. */
  readonly proofs: Readonly<Record<DecimalSign, number>>;
  /** A number with a sign that proves nothing, if there is one. */
  readonly unclear: string | undefined;
  /** Whether some number shows that an apostrophe stands between groups: 110'160 alone may be 110 and 16 32nds. */
  readonly hasApostrophe: boolean;
}

export function findDecimal(texts: Iterable<string>): DecimalFinding {
  let dots = 0;
  let commas = 0;
  let unclear: string | undefined;
  let hasApostrophe = false;
  for (const text of texts) {
    hasApostrophe ||= /\d['’]\d{3}['’.,]\d/.test(text);
    const sign = evidenceOf(text);
    if (sign === ".") dots++;
    else if (sign === ",") commas++;
    else if (unclear === undefined && /^[+-]?\$?\d{1,3}[.,]\d{3}[KMBT]?$/.test(text)) unclear = text;
  }
  const sign = dots > 0 && commas > 0 ? "both" : dots > 0 ? "." : commas > 0 ? "," : undefined;
  return { sign, proofs: { ".": dots, ",": commas }, unclear, hasApostrophe };
}

const WHOLE = /^[+-]?\d+$/;

/** A reader of one style's numbers: the value, or NaN. A power of ten is applied to the text, so nothing is rounded twice. */
export function numberReader(style: NumberStyle): (text: string) => number {
  const { decimal: sign, group, power, hasSuffix, hasApostrophe } = style;
  const grouped = group === "" ? undefined : groupPattern(group, sign);
  const point = (sign ?? "").charCodeAt(0);
  return (text) => {
    if (power === 0 && sign !== "," && isPlain(text, point)) return Number(text);
    let digits = bare(text, hasApostrophe);
    let shift = power;
    if (hasSuffix) {
      const more = SUFFIXES[digits.at(-1) ?? ""];
      if (more !== undefined) {
        digits = digits.slice(0, -1).trimEnd();
        shift += more;
      }
    }
    if (grouped !== undefined && digits.includes(group)) {
      if (!grouped.test(digits)) return Number.NaN;
      digits = digits.replaceAll(group, "");
    }
    if (sign === undefined && !WHOLE.test(digits)) return Number.NaN;
    if (sign === ",") {
      if (digits.includes(".")) return Number.NaN;
      digits = digits.replace(",", ".");
    }
    if (shift === 0) return decimal(digits);
    const e = digits.search(/e/i);
    const own = e < 0 ? 0 : Number(digits.slice(e + 1));
    return decimal(`${e < 0 ? digits : digits.slice(0, e)}e${own + shift}`);
  };
}

/** As many digits as Number() takes without an overflow, and so any market data. */
const PLAIN_MAX = 30;

/** Whether a text is digits with at most one point among them: nearly every number, for which no pattern is needed. */
function isPlain(text: string, point: number): boolean {
  let points = 0;
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === point && i > 0) points++;
    else if (code < 48 || code > 57) return false;
  }
  return length > points && length <= PLAIN_MAX && points <= 1;
}

function groupPattern(group: string, sign: DecimalSign | undefined): RegExp {
  const fraction = sign === undefined ? "" : `(\\${sign}\\d+)?`;
  return new RegExp(`^[+-]?\\d{1,3}(\\${group}\\d{3})+${fraction}$`);
}

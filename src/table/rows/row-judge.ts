import { isOutside } from "../../event/field/demand.ts";
import type { Rule } from "../../event/rules.ts";
import type { CopyBuffer } from "./copy-buffer.ts";
import type { Step } from "./fixed-steps.ts";
import { isSame } from "./text-steps.ts";

const LENGTH_BYTES = 4;
const DOUBLE_BYTES = 8;
const TEXT_BYTES_MAX = 64;
/** Rows of one batch have few texts: a feed's sources, its intervals. */
const TEXTS_KNOWN_MAX = 16;

/** Where the row that is being written has a field that a rule looks at. */
interface Place {
  at: number;
}

/** A text that rules look at. */
interface TextPlace extends Place {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** Texts that were met and keep the rules: each is asked once. */
  kept: Uint8Array[];
}

/** A number that has to lie between two others. */
interface Between {
  readonly value: Place;
  readonly low: Place;
  readonly high: Place;
}

/**
 * Judges rows by their bytes, before they are landed by COPY: what no CHECK says, because it can be switched off. No
 * object, no text and no boxed number is made per row: numbers go from the row's bytes into comparisons.
 */
export class RowJudge {
  readonly #places = new Map<string, Place>();
  readonly #texts: readonly TextPlace[];
  readonly #betweens: readonly Between[];

  /**
   * @param rules about a text alone, or about a double between two others
   * @param texts the fields that are texts
   * @throws Error of any other rule: there is no way to ask it by a row's bytes
   */
  constructor(rules: readonly Rule[], texts: ReadonlySet<string>) {
    const ofText = rules.filter(({ looksAt: [field, ...others] }) => others.length === 0 && texts.has(field!));
    const ofNumbers = rules.filter(({ between, looksAt }) => between !== undefined && looksAt.length === 3);
    const unknown = rules.find((rule) => !ofText.includes(rule) && !ofNumbers.includes(rule));
    if (unknown !== undefined) throw new Error(`rule ${unknown.name} can't be judged by a row's bytes`);
    this.#texts = [...new Set(ofText.map(({ field }) => field))].map((name) => {
      const place = { at: 0, name, rules: ofText.filter(({ field }) => field === name), kept: [] };
      this.#places.set(name, place);
      return place;
    });
    this.#betweens = ofNumbers.map(({ field, between }) => {
      const [value, low, high] = [field, ...between!].map((name) => this.#place(name));
      return { value: value!, low: low!, high: high! };
    });
  }

  #place(name: string): Place {
    const place = this.#places.get(name) ?? { at: 0 };
    this.#places.set(name, place);
    return place;
  }

  /** The same step, which also notes where the field goes if a rule looks at it. */
  watched(name: string, step: Step): Step {
    const place = this.#places.get(name);
    if (place === undefined) return step;
    return (out, bytes, at, end) => {
      place.at = out.length;
      return step(out, bytes, at, end);
    };
  }

  /** Whether the row that was just written breaks a rule, or may: it is read as an object then. */
  mayBreak({ bytes, view }: CopyBuffer): boolean {
    const betweens = this.#betweens;
    for (let i = 0; i < betweens.length; i++) {
      const { value, low, high } = betweens[i]!;
      if (isNull(bytes, value) || isNull(bytes, low) || isNull(bytes, high)) return true;
      if (isOutside(doubleAt(view, value), doubleAt(view, low), doubleAt(view, high))) return true;
    }
    const texts = this.#texts;
    for (let i = 0; i < texts.length; i++) if (!keeps(texts[i]!, bytes)) return true;
    return false;
  }
}

/** Whether a double's field is null: the last byte of its length says the whole of it otherwise. */
const isNull = (bytes: Uint8Array, { at }: Place): boolean => bytes[at + LENGTH_BYTES - 1] !== DOUBLE_BYTES;

const doubleAt = (view: DataView, { at }: Place): number => view.getFloat64(at + LENGTH_BYTES);

/** Whether a text is there, is short and keeps its rules. */
function keeps(place: TextPlace, bytes: Buffer): boolean {
  const { at } = place;
  const from = at + LENGTH_BYTES;
  const length = bytes[at + LENGTH_BYTES - 1]!;
  if ((bytes[at]! | bytes[at + 1]! | bytes[at + 2]!) !== 0 || length > TEXT_BYTES_MAX) return false;
  const { kept } = place;
  for (let i = 0; i < kept.length; i++) if (isSame(bytes, from, length, kept[i]!)) return true;
  const event = { [place.name]: bytes.toString("utf8", from, from + length) };
  if (place.rules.some((rule) => rule.isBroken(event))) return false;
  if (kept.length === TEXTS_KNOWN_MAX) place.kept = [];
  place.kept.push(Uint8Array.prototype.slice.call(bytes, from, from + length));
  return true;
}

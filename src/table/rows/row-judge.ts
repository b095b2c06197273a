import type { Rule } from "../../event/rules.ts";
import type { CopyBuffer } from "./copy-buffer.ts";
import type { Step } from "./fixed-steps.ts";
import { isSame } from "./text-steps.ts";

const LENGTH_BYTES = 4;
const TEXT_BYTES_MAX = 64;
/** Rows of one batch have few texts: a feed's sources, its intervals. */
const TEXTS_KNOWN_MAX = 16;

/** A field that a rule looks at, of the row that is being written. */
interface Looked {
  readonly name: string;
  readonly isText: boolean;
  /** Where the row has it. */
  at: number;
  /** Texts that were met, each made once. */
  known: { readonly bytes: Uint8Array; readonly text: string }[];
}

/**
 * Judges rows by their bytes, before they are landed by COPY: what no CHECK says, because it can be switched off. No
 * object and no text is made per row.
 */
export class RowJudge {
  readonly #rules: readonly Rule[];
  readonly #looked: readonly Looked[];
  readonly #event: Record<string, unknown> = {};

  /** @param rules about doubles and texts @param texts the fields that are texts */
  constructor(rules: readonly Rule[], texts: ReadonlySet<string>) {
    this.#rules = rules;
    const names = new Set(rules.flatMap(({ looksAt }) => looksAt));
    this.#looked = [...names].map((name) => ({ name, isText: texts.has(name), at: 0, known: [] }));
  }

  /** The same step, which also notes where the field goes if a rule looks at it. */
  watched(name: string, step: Step): Step {
    const looked = this.#looked.find((one) => one.name === name);
    if (looked === undefined) return step;
    return (out, bytes, at, end) => {
      looked.at = out.length;
      return step(out, bytes, at, end);
    };
  }

  /** Whether the row that was just written breaks a rule, or may: it is read as an object then. */
  mayBreak({ bytes }: CopyBuffer): boolean {
    for (const looked of this.#looked) {
      const { at } = looked;
      const from = at + LENGTH_BYTES;
      // The last byte is the whole length, unless the field is null or longer than a byte can say.
      const length = bytes[at + 3]!;
      if ((bytes[at]! | bytes[at + 1]! | bytes[at + 2]!) !== 0 || length > TEXT_BYTES_MAX) return true;
      this.#event[looked.name] = looked.isText ? textAt(looked, bytes, from, length) : bytes.readDoubleBE(from);
    }
    for (const rule of this.#rules) if (rule.isBroken(this.#event)) return true;
    return false;
  }
}

function textAt(looked: Looked, bytes: Buffer, from: number, length: number): string {
  for (const { bytes: known, text } of looked.known) if (isSame(bytes, from, length, known)) return text;
  const text = bytes.toString("utf8", from, from + length);
  if (looked.known.length === TEXTS_KNOWN_MAX) looked.known = [];
  looked.known.push({ bytes: Uint8Array.prototype.slice.call(bytes, from, from + length), text });
  return text;
}

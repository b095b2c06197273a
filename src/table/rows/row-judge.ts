import type { Rule } from "../../event/rules.ts";
import type { CopyBuffer } from "./copy-buffer.ts";
import type { Step } from "./fixed-steps.ts";
import { isSame } from "./text-steps.ts";

const LENGTH_BYTES = 4;
const TEXT_BYTES_MAX = 64;

/** A field that a rule looks at, of the row that is being written. */
interface Looked {
  readonly name: string;
  readonly isText: boolean;
  /** Where the row has it. */
  at: number;
  /** The bytes of the last text, which nearly all rows of a batch repeat: it is made once. */
  known: Uint8Array;
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
    this.#looked = [...names].map((name) => ({ name, isText: texts.has(name), at: 0, known: new Uint8Array() }));
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
      const from = looked.at + LENGTH_BYTES;
      const length = bytes.readInt32BE(looked.at);
      if (length < 0 || length > TEXT_BYTES_MAX) return true;
      if (!looked.isText) this.#event[looked.name] = bytes.readDoubleBE(from);
      else if (!isSame(bytes, from, length, looked.known)) {
        looked.known = Uint8Array.prototype.slice.call(bytes, from, from + length);
        this.#event[looked.name] = bytes.toString("utf8", from, from + length);
      }
    }
    for (const rule of this.#rules) if (rule.isBroken(this.#event)) return true;
    return false;
  }
}

import type { Dice } from "../../chaos/dice.ts";

/** One of the places where the product reads bytes that anybody may have written. */
export interface Door {
  readonly name: string;
  /** What mutation begins with: good input, and some that was odd once. */
  readonly seeds: readonly Buffer[];
  /**
   * Hands an input to the product.
   * @returns the kind of what came of it, in a few words
   * @throws where the product threw what is no value, or what it made of the input contradicts itself: a find
   */
  open(input: Buffer): string | Promise<string>;
  /** A mutation of this door's own: lengths and checksums made right again, parts of a tree exchanged. */
  readonly reshape?: (input: Buffer, dice: Dice) => Buffer | Promise<Buffer>;
  /** Makes a good input, and throws where the product reads it otherwise than a reader that owes it nothing. */
  agree(dice: Dice): void | Promise<void>;
}

/** @throws Error that says `what`, unless it holds */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`contradicts itself: ${what}`);
}

const WORDS = 60;

/** A kind of outcome: what a text says, without what varies with every input. */
export function kindOf(text: string): string {
  const plain = text
    .replaceAll(/[0-9a-f]{16,}/g, "#")
    .replaceAll(/"[^"]*"?|'[^']*'?/g, '""')
    .replaceAll(/-?\d+(\.\d+)?(e[+-]?\d+)?/g, "0")
    .replaceAll(/[^\x20-\x7e]+/g, "?");
  return plain.slice(0, WORDS);
}

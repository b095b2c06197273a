import Table from "cli-table3";
import { count } from "./progress.ts";

/**
 * Results, on standard output: one JSON document with --json, else text for people. Commands that read a live feed write
 * events before it, a line each.
 */
export interface Output {
  readonly json: boolean;
  /** A whole result: `text` is asked only when people read it. */
  result(value: unknown, text: () => string): void;
  /** What happens meanwhile; people see it as progress. */
  event(value: object): void;
}

/** How often `--watch` looks. */
export const WATCH_EVERY_MS = 2000;
/** Moves a terminal's cursor home and clears what is there. */
export const REDRAW = "\x1b[H\x1b[2J";

export type Cell = string | number | bigint | Figure | null | undefined;

/** A number as a table shows it. */
class Figure {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What a double holds exactly of decimal prices and their sums, less three for the adding. */
export const MONEY_DIGITS = 12;

/** Ratios are shown in six digits; money in more, so that it can be added up. */
export const figure = (value: number | null | undefined, digits = 6): Figure | null =>
  value === null || value === undefined ? null : new Figure(String(Number(value.toPrecision(digits))));

export const money = (value: number | null | undefined): Figure | null => figure(value, MONEY_DIGITS);

export function openOutput(json: boolean, write: (text: string) => void): Output {
  return {
    json,
    event: (value) => {
      if (json) write(`${JSON.stringify(value)}\n`);
    },
    result: (value, text) => {
      // A bigint is an offset or a count; below 2^53 it is a plain number for every reader, above it must be text.
      const line = json ? JSON.stringify(value, (_key, v) => (typeof v === "bigint" ? exact(v) : v)) : text();
      write(line.endsWith("\n") ? line : `${line}\n`);
    },
  };
}

const exact = (v: bigint): number | string => (Number.isSafeInteger(Number(v)) ? Number(v) : v.toString());

/** A table with right-aligned numbers, for people; without lines between the rows, so that it can be cut and pasted. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = head.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] !== "string"));
  const drawn = new Table({
    head: [...head],
    colAligns: numeric.map((is) => (is ? "right" : "left")),
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 2 },
    chars: NO_LINES,
  });
  drawn.push(...rows.map((row) => row.map(show)));
  return drawn
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

function show(cell: Cell): string {
  if (cell === null || cell === undefined) return "-";
  return typeof cell === "string" || cell instanceof Figure ? String(cell) : count(cell);
}

/**
 * Text from somebody else's data, for a terminal: a control character in it must not move the cursor, nor one of those that turn
 * the direction of writing, or end a line, show it as another text.
 */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (control) => {
    const hex = control.charCodeAt(0).toString(16);
    return hex.length > 2 ? `\\u${hex.padStart(4, "0")}` : `\\x${hex.padStart(2, "0")}`;
  });

const NO_LINES = Object.fromEntries(
  ["top", "bottom", "left", "right", "mid"]
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .concat("middle")
    .map((part) => [part, ""]),
);

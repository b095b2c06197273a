import { shown } from "../../errors.ts";
import { DAY_US } from "../../event/day.ts";
import type { Opening } from "../format.ts";
import type { DateStyle } from "../text/dates.ts";
import type { FeedDraft } from "./draft.ts";
import type { Layout } from "./layout.ts";
import type { SymbolRule } from "./symbols.ts";

const HOUR_US = DAY_US / 24;

/** What a clock without AM and PM goes back by at one o'clock; times that are out of order are so by seconds. */
const JUMP_US = 6 * HOUR_US;

/**
 * Watches the times of a file for a clock of twelve hours whose AM and PM are missing: no hour is 0 or beyond 12, and
 * within a day the time jumps back, as from 12:59 to 01:00.
 */
export class HalfDays {
  readonly #direction: number;
  readonly #last = new Map<string, number>();
  #isProven = false;
  #hasJumped = false;

  /** @param direction -1 for a file that begins with the newest row */
  constructor(direction: number) {
    this.#direction = direction;
  }

  /** Whether some hour showed that the clock has 24. */
  get isProven(): boolean {
    return this.#isProven;
  }

  /** Whether a row of this time, or one before it, may be of the other half of its day. */
  isDoubtful(symbol: string, wallUs: number): boolean {
    if (this.#isProven || this.#hasJumped) return this.#hasJumped;
    const day = Math.floor(wallUs / DAY_US);
    const ofDay = wallUs - day * DAY_US;
    this.#isProven = ofDay < HOUR_US || ofDay >= 13 * HOUR_US;
    const last = this.#last.get(symbol);
    this.#last.set(symbol, wallUs);
    const isSameDay = last !== undefined && Math.floor(last / DAY_US) === day;
    this.#hasJumped = !this.#isProven && isSameDay && (last - wallUs) * this.#direction >= JUMP_US;
    return this.#hasJumped;
  }
}

const HALF = /[ap]\.?\s?m\.?$/i;

/**
 * What watches a file's rows; undefined where AM and PM, a told pattern with the hour or an hour beyond 12 says which
 * clock they are on. A clock that jumps among the first rows is asked about.
 */
export function halfDaysOf(
  { options, decisions }: Opening,
  { map }: FeedDraft,
  { rows }: Layout,
  { texts, style }: { readonly texts: readonly string[]; readonly style: DateStyle },
  symbol: SymbolRule,
): HalfDays | undefined {
  const isTold = /h/i.test(options.dateFormat ?? map.time?.format ?? "");
  if (isTold || style.unit !== undefined || texts.some((text) => HALF.test(text))) return undefined;
  const walls = texts.flatMap((text, i): [string, number][] => {
    const time = style.read(text);
    const isClock = typeof time !== "string" && !time.zoned && !time.dateOnly;
    return isClock ? [["place" in symbol ? rows[i]![symbol.place]! : "", time.us]] : [];
  });
  if (walls.length === 0) return undefined;
  const direction = directionOf(walls);
  const first = new HalfDays(direction);
  const jump = walls.findIndex(([key, wall]) => first.isDoubtful(key, wall));
  if (first.isProven) return undefined;
  if (jump >= 0) {
    const time = new Date(walls[jump]![1] / 1000).toISOString().slice(0, 16).replace("T", " ");
    const why = `no hour is 0 or beyond 12 and the time jumps within a day, at ${shown(time)}: AM and PM may be missing`;
    const flag = "--date-format with the hours if the clock has 24, as in 'yyyy-MM-dd HH:mm', else write AM or PM";
    decisions.ask({ what: "clock", why, flag, place: "time.format" }, undefined);
  }
  return new HalfDays(direction);
}

/** -1 for a file whose times mostly go back from row to row of a symbol, else 1. */
function directionOf(walls: readonly (readonly [string, number])[]): number {
  const last = new Map<string, number>();
  let sum = 0;
  for (const [key, wall] of walls) {
    sum += Math.sign(wall - (last.get(key) ?? wall));
    last.set(key, wall);
  }
  return sum < 0 ? -1 : 1;
}

import { TradetapeError } from "../errors.ts";

/** Where a replay begins or ends: at the log's own edge, at a broker time, or at an offset for each partition named. */
export type Bound =
  | { readonly kind: "edge" }
  /** Milliseconds since 1970. */
  | { readonly kind: "time"; readonly ms: number }
  /** By `topic/partition`, without the namespace; partitions that aren't named have the log's edge. */
  | { readonly kind: "offsets"; readonly at: Readonly<Record<string, number>> };

const TIME = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:?\d{2})$/;
const OFFSET = /^([a-z]+\/\d+):(\d+)$/;

/**
 * @param edge the word for the log's own edge: `beginning` or `end`
 * @throws TradetapeError input_invalid
 */
export function parseBound(flag: string, text: string, edge: "beginning" | "end"): Bound {
  if (text === edge) return { kind: "edge" };
  const [, day] = TIME.exec(text) ?? [];
  if (day !== undefined) {
    const ms = Date.parse(text);
    if (Number.isFinite(ms) && isDay(day)) return { kind: "time", ms };
  }
  const at: Record<string, number> = {};
  for (const one of text.split(",")) {
    const [, place, offset] = OFFSET.exec(one.trim()) ?? [];
    if (place === undefined || !Number.isSafeInteger(Number(offset))) throw invalid(flag, text, edge);
    at[place] = Number(offset);
  }
  return { kind: "offsets", at };
}

/** JavaScript takes the 30th of February for the 2nd of March: a window that nobody asked for. */
const isDay = (day: string): boolean => new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);

const invalid = (flag: string, text: string, edge: string): TradetapeError =>
  new TradetapeError("input_invalid", `${flag} ${text} is no place in a log`, {
    next: `Give '${edge}', a time with its zone (2026-03-02T14:30:00Z), or offsets (ticks/0:1200,ticks/1:900).`,
  });

/** How fast events land: as they come, so many times as fast as they happened, or so many a second. */
export type Speed =
  | { readonly kind: "max" }
  | { readonly kind: "times"; readonly factor: number }
  | { readonly kind: "rate"; readonly perSecond: number };

/** @throws TradetapeError input_invalid */
export function parseSpeed(text: string): Speed {
  if (text === "max") return { kind: "max" };
  const [, factor] = /^(\d+(?:\.\d+)?)x$/.exec(text) ?? [];
  if (Number(factor) > 0) return { kind: "times", factor: Number(factor) };
  const [, perSecond] = /^(\d+)\/s$/.exec(text) ?? [];
  if (Number(perSecond) > 0) return { kind: "rate", perSecond: Number(perSecond) };
  throw new TradetapeError("input_invalid", `--speed ${text} is no speed`, {
    next: "Give max, a multiple such as 1x or 10x, or events a second such as 500/s.",
  });
}

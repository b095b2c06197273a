import { shown } from "../../errors.ts";
import { isComment, neededPlace } from "../decide/layout.ts";
import type { Settled } from "../decide/settle.ts";
import { RowSymbols } from "../decide/symbols.ts";
import type { Conversion, LineOutcome } from "../format.ts";
import type { MapKind } from "../map/fields.ts";
import type { FeedSymbol } from "../symbol.ts";
import { cellsOf, fitted, normalName } from "../text/cells.ts";
import { timeText } from "../text/times.ts";
import { momentOf, outsideRange } from "../time.ts";
import { barMaker } from "./bars.ts";
import { quoteMaker } from "./quotes.ts";
import type { Maker } from "./row.ts";
import { tickMaker } from "./ticks.ts";

const MAKERS: { readonly [K in MapKind]: (settled: Settled, session: string | null) => Maker<K> } = {
  ticks: tickMaker,
  quotes: quoteMaker,
  bars: barMaker,
};

const HALF_DAY =
  "the time jumps back within its day and no hour was 0 or beyond 12: AM and PM may be missing from here on";

const SECOND_HEADER =
  "a second header: rows from there on may be of another instrument or order; publish them as a file of their own";

/** What reads a file's rows, now that everything about them is decided. */
export function compile<T extends MapKind>(kind: T, settled: Settled, session: string | null): Conversion<T> {
  const { map, layout, times, style, zone, steady, halfDays } = settled;
  const { delimiter, names, head } = layout;
  const make = MAKERS[kind](settled, session) as Maker<T>;
  const symbols = symbolsOf(settled);
  const isTaken = filterOf(settled);
  const isHeader = headerTest(settled);
  let isOver = false;
  const convert = (text: string): LineOutcome<T> => {
    if (isComment(text, map)) return null;
    const cells = cellsOf(text, delimiter);
    if (typeof cells === "string") return cells;
    const outcome = isOver ? SECOND_HEADER : rowOf(cells);
    if (typeof outcome === "string" && !isOver) isOver = isHeader(cells);
    return isOver ? SECOND_HEADER : outcome;
  };
  const rowOf = (cells: string[]): LineOutcome<T> => {
    if (cells[0] === "" && cells.every((cell) => cell === "")) return null;
    if (!fitted(cells, names.length)) return `the line has ${cells.length} columns instead of ${names.length}`;
    if (!isTaken(cells)) return null;
    for (const [place, code] of steady) {
      if (cells[place] !== code)
        return `${names[place]} turns from ${code} to ${shown(cells[place]!)}: it may tell instruments apart`;
    }
    const symbol = symbols.of(cells);
    if (symbol === null || typeof symbol === "string") return symbol;
    const written = style.read(timeText(cells, times));
    if (typeof written === "string") return written;
    if (halfDays !== undefined && !written.zoned && !written.dateOnly) {
      if (halfDays.isDoubtful(symbol.id, written.us)) return HALF_DAY;
    }
    const time = momentOf(written, zone);
    if (typeof time === "string") return time;
    const outside = outsideRange(time.us);
    return outside ?? make({ cells, symbolId: symbol.id, time, written });
  };
  return { symbols: symbols.fixed, head, isOnce: true, convert, found: symbols.found };
}

/**
 * Whether a line is a header again, of files that were put behind one another. Where a column names the symbol and the
 * header is the same one, what follows is as before.
 */
function headerTest({ layout: { names }, symbol }: Settled): (cells: readonly string[]) => boolean {
  const own = new Set(names.map(normalName).filter((name) => name !== ""));
  const isNumbered = names.every((name, i) => name === String(i + 1));
  return (cells) => {
    if (isNumbered || cells.filter((cell) => own.has(normalName(cell))).length * 2 <= names.length) return false;
    return "fixed" in symbol || cells.some((cell, i) => cell !== names[i]);
  };
}

interface Symbols {
  readonly fixed: Conversion<"bars">["symbols"];
  /** The row's symbol; null leaves the row out, a string rejects it. */
  of(cells: readonly string[]): FeedSymbol | string | null;
  found(): ReturnType<RowSymbols["found"]>;
}

function symbolsOf({ symbol: rule, layout }: Settled): Symbols {
  if ("fixed" in rule) return { fixed: [rule.fixed.event], of: () => rule.fixed, found: () => [] };
  const { place, only, isOther, exchange, as } = rule;
  const rows = new RowSymbols(exchange);
  const column = layout.names[place]!;
  return {
    fixed: as ? [as.event] : [],
    of(cells) {
      const text = cells[place]!;
      if (text === "") return `${column} is empty`;
      if (only === undefined || only.has(text)) return as ?? rows.of(text);
      return isOther === "left out"
        ? null
        : `${column} says ${shown(text)}, unlike the rows before it: say --symbols all`;
    },
    found: () => rows.found(),
  };
}

function filterOf({ map, layout }: Settled): (cells: readonly string[]) => boolean {
  const filters = (map.rows ?? []).map(({ column, is, isNot }) => {
    const place = neededPlace(column, layout.names, "the map");
    return { place, is: is && new Set(is), isNot: isNot && new Set(isNot) };
  });
  if (filters.length === 0) return () => true;
  return (cells) =>
    filters.every(({ place, is, isNot }) => (is?.has(cells[place]!) ?? true) && !(isNot?.has(cells[place]!) ?? false));
}

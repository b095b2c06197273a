import type { FeedDraft } from "../decide/draft.ts";
import { settleFeed } from "../decide/settle.ts";
import { type Conversion, CSV_LINE_BYTES_MAX, type Format, type Opening, refusal } from "../format.ts";
import { compile } from "../rows/compile.ts";
import { cellsOf, fitted } from "../text/cells.ts";
import { DOT, YFINANCE } from "./bar-sites.ts";

const FIELDS = ["Open", "High", "Low", "Close", "Volume"] as const;
const isField = (name: string) => (FIELDS as readonly string[]).includes(name);
const COMMA = ",";

/** The lines above the rows: which field and which ticker each column is, in either order of the two. */
interface Head {
  readonly lines: number;
  readonly fields: readonly string[];
  readonly tickers: readonly string[];
}

function headOf(lines: readonly string[]): Head | undefined {
  const cells = lines.slice(0, 4).map((line) => cellsOf(line, COMMA));
  const [first, second, third] = cells;
  if (!Array.isArray(first) || !Array.isArray(second) || first.length < 6 || second.length !== first.length)
    return undefined;
  const fieldsAt = [first, second].findIndex((names) => FIELDS.every((field) => names.includes(field)));
  if (fieldsAt < 0) return undefined;
  const [fields, tickers] = fieldsAt === 0 ? [first, second] : [second, first];
  // The other line holds a ticker in each column, and no row begins with a name or an empty cell.
  const isNamed = tickers.slice(1).every((name) => name !== "" && !isField(name) && !/^-?[\d.]+$/.test(name));
  if (!isNamed || !/^(Ticker|Price|Date|Datetime|)$/.test(tickers[0]!)) return undefined;
  const isThird =
    Array.isArray(third) && /^(Date|Datetime)$/.test(third[0] ?? "") && third.slice(1).every((name) => name === "");
  return { lines: isThird ? 3 : 2, fields, tickers };
}

/** Tables of yfinance.download: a line of fields, a line of tickers, mostly a line that only says Date, then a row a day. */
export const yfinanceTable: Format<"bars"> = {
  name: "yfinance-table",
  about: "yfinance.download written as CSV: lines of fields and of tickers above the rows, one or many tickers",
  sample: [
    "Price,Close,High,Low,Open,Volume",
    "Ticker,MSFT,MSFT,MSFT,MSFT,MSFT",
    "Date,,,,,",
    "2024-01-02,370.87,375.9,366.77,373.86,25258600",
  ],
  asks: "--symbols for several tickers; --interval for rows less than a day apart",
  lineBytesMax: CSV_LINE_BYTES_MAX * 16,
  detects: (lines) => headOf(lines) !== undefined,
  open(opening) {
    const head = headOf(opening.lines);
    if (head === undefined)
      throw refusal(`${opening.file} has no lines of fields and tickers`, "Check the file or name --format.");
    return open(opening, head);
  },
};

const HEADER = ["time", "symbol", ...FIELDS];
const DRAFT: FeedDraft = {
  map: {
    version: 1,
    kind: "bars",
    source: "yfinance",
    delimiter: COMMA,
    skip: 0,
    columns: { open: "Open", high: "High", low: "Low", close: "Close", volume: "Volume" },
    numbers: DOT,
    time: { columns: ["time"] },
    symbol: { column: "symbol" },
  },
  by: "the format",
  among: YFINANCE,
};

/** Each line is cut into a row a ticker, and the rows are read like those of any table with a column of symbols. */
function open(opening: Opening, { lines, fields, tickers }: Head): Conversion<"bars"> {
  const { file, decisions, options } = opening;
  const own = [...new Set(tickers.slice(1))];
  const places = own.map((ticker) =>
    FIELDS.map((field) => fields.findIndex((name, at) => at > 0 && name === field && tickers[at] === ticker)),
  );
  const lacking = own.filter((_, i) => places[i]!.includes(-1));
  if (lacking.length > 0) {
    throw refusal(`${file} lacks prices or the volume of ${lacking.join(", ")}`, "Download the tickers again.");
  }
  const rowsOf = (line: string): readonly string[] | string => {
    const cells = cellsOf(line, COMMA);
    if (typeof cells === "string") return cells;
    if (!fitted(cells, fields.length)) return `the line has ${cells.length} columns instead of ${fields.length}`;
    return own.flatMap((ticker, i) => {
      const values = places[i]!.map((place) => cells[place]!);
      // A ticker without a row of its own that day has empty cells.
      return values.every((value) => value === "") ? [] : [[cells[0]!, ticker, ...values].join(COMMA)];
    });
  };
  const rows = opening.lines.slice(lines).flatMap((line) => {
    const cut = rowsOf(line);
    return typeof cut === "string" ? [] : cut;
  });
  const settled = settleFeed({ ...opening, lines: [HEADER.join(COMMA), ...rows] }, DRAFT);
  const rest = [...new Set(fields.slice(1).filter((field) => !isField(field)))];
  if (rest.length > 0) decisions.take("columns not used", rest.join(", "), "the header");
  const compiled = compile("bars", settled, options.session ?? null);
  return {
    ...compiled,
    head: lines,
    convert(text) {
      const cut = rowsOf(text);
      if (typeof cut === "string") return cut;
      // One ticker's damaged cell says nothing about the others' bars.
      return cut.flatMap((row) => {
        const outcome = compiled.convert(row) ?? [];
        return typeof outcome === "string" ? `${row.split(COMMA)[1]}: ${outcome}` : outcome;
      });
    },
  };
}

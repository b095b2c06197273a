import { DAY_US } from "../../event/day.ts";
import type { BarEvent } from "../../event/events.ts";
import { barId } from "../../event/identity.ts";
import { cellsOf, PRICES, price, type Table, tableOf, timeText } from "../columns.ts";
import { type DateStyle, dateStyleOf } from "../dates.ts";
import { shown } from "../decimal.ts";
import { CSV_LINE_BYTES_MAX, type Format, type Opening, refusal } from "../format.ts";
import { intervalOfMicros, toldInterval, usualStep } from "../interval.ts";
import { parseSymbol } from "../symbol.ts";
import { momentOf, outsideRange, type WrittenTime } from "../time.ts";
import { ZoneClock } from "../zone.ts";

/** Bars in CSV with a header, as Yahoo, Nasdaq, Stooq and most others write them. */
export const ohlcv: Format<"bars"> = {
  name: "ohlcv",
  about: "bars in CSV with a header: date, open, high, low, close, volume",
  lineBytesMax: CSV_LINE_BYTES_MAX,
  detects: (first) => typeof tableOf(first) !== "string",
  open(opening) {
    const { lines, options, file } = opening;
    if (options.symbol === undefined) {
      throw refusal(
        `${file} doesn't say which instrument it holds`,
        "Say --symbol TICKER or --symbol TICKER@EXCHANGE.",
      );
    }
    const symbol = parseSymbol(options.symbol);
    const table = tableOf(lines[0] ?? "");
    if (typeof table === "string") throw refusal(`${file}: ${table}`, "Name the columns in the first line.");
    const times = lines.slice(1).flatMap((line) => {
      const cells = cellsOf(line, table.delimiter);
      return typeof cells !== "string" && cells.length === table.width ? [timeText(cells, table)] : [];
    });
    if (times.length === 0) throw refusal(`${file} has a header and no row that fits it`, "Check the file.");
    const style = dateStyleOf(times, options.dateFormat);
    const zone = options.tz === undefined ? undefined : new ZoneClock(options.tz);
    const { interval, naiveDays } = settle(opening, times, style, zone);
    const source = options.source ?? "ohlcv";
    const base = { symbol_id: symbol.id, source, interval, backtest_session_id: options.session ?? null };
    const notes = [...table.notes, ...(naiveDays ? ["days have no zone: they are UTC days (or say --tz)"] : [])];
    return {
      described: {
        source,
        symbol: symbol.text,
        interval,
        dateFormat: style.name,
        ...(style.unit ? { unit: style.unit } : {}),
        ...(zone ? { tz: zone.name } : naiveDays ? { tz: "UTC" } : {}),
        notes,
      },
      symbols: [symbol.event],
      header: true,
      convert: (text) => bar(text, table, style, zone, symbol.ticker, base),
    };
  },
};

/** The bars' length and whether a zone is needed, by the rows of the sample. */
function settle(
  { file, options }: Opening,
  times: readonly string[],
  style: DateStyle,
  zone: ZoneClock | undefined,
): { interval: string; naiveDays: boolean } {
  const read = times.map((text) => style.read(text)).filter((time): time is WrittenTime => typeof time !== "string");
  const naive = read.find((time) => !time.zoned && !time.dateOnly);
  if (naive !== undefined && zone === undefined) {
    throw refusal(`the times of ${file} have no zone`, "Say --tz, as in --tz America/New_York or --tz UTC.");
  }
  const days = read.every((time) => time.dateOnly);
  const naiveDays = days && zone === undefined && read.length > 0;
  const wanted = toldInterval(options.interval);
  if (wanted !== undefined) return { interval: wanted, naiveDays };
  const step = usualStep(read.map((time) => time.us));
  // Weekends and holidays lie between days, so anything short of a week is a day.
  if (days && (step === null || step < 7 * DAY_US)) return { interval: "1d", naiveDays };
  const interval = step === null ? null : intervalOfMicros(step);
  if (interval === null) throw refusal(`${file} doesn't tell how long its bars are`, "Say --interval 1min, 1h or 1d.");
  return { interval, naiveDays };
}

type Base = Pick<BarEvent, "symbol_id" | "source" | "interval" | "backtest_session_id">;

function bar(
  text: string,
  table: Table,
  style: DateStyle,
  zone: ZoneClock | undefined,
  ticker: string,
  base: Base,
): BarEvent | string {
  const cells = cellsOf(text, table.delimiter);
  if (typeof cells === "string") return cells;
  if (cells.length !== table.width) return `the line has ${cells.length} columns instead of ${table.width}`;
  const { columns } = table;
  if (columns.symbol !== undefined && cells[columns.symbol]!.toUpperCase() !== ticker.toUpperCase()) {
    return `the line is of ${shown(cells[columns.symbol]!)}, not of --symbol ${ticker}`;
  }
  const time = style.read(timeText(cells, table));
  if (typeof time === "string") return time;
  const start = momentOf(time, zone);
  if (typeof start === "string") return start;
  if (start.ns !== 0) return "a bar can't start between microseconds";
  const outside = outsideRange(start.us);
  if (outside !== null) return outside;
  const numbers: number[] = [];
  for (const name of PRICES) {
    const value = price(cells[columns[name]!]!);
    if (Number.isNaN(value)) return `${name} ${shown(cells[columns[name]!]!)} is no number`;
    numbers.push(value);
  }
  const [open, high, low, close] = numbers as [number, number, number, number];
  if (high < low) return `high ${high} lies below low ${low}`;
  const volume = columns.volume === undefined ? 0 : price(cells[columns.volume]!);
  if (!(volume >= 0)) return `volume ${shown(cells[columns.volume!]!)} is no number from 0 on`;
  const made: BarEvent = {
    market_data_id: "",
    symbol_id: base.symbol_id,
    timestamp: start.us,
    open,
    high,
    low,
    close,
    volume,
    interval: base.interval,
    source: base.source,
    venue: null,
    received_at: null,
    revised_at: null,
    backtest_session_id: base.backtest_session_id ?? null,
  };
  made.market_data_id = barId(made);
  return made;
}

import { basename } from "node:path";
import { shown } from "../../errors.ts";
import type { FeedDraft } from "../decide/draft.ts";
import type { Opening } from "../format.ts";
import { DOT, OHLC, SYMBOL_TZ } from "./bar-sites.ts";
import { hasColumns, hasHeaderOf, hasRow, type MappedFormat, NO_SOURCE } from "./mapped.ts";

/** CSV by the names of its header: nothing else is known of it. */
export const ohlcv: MappedFormat = {
  name: "ohlcv",
  about: "bars with a header: a time, open, high, low, close and mostly a volume",
  sample: ["Date,Open,High,Low,Close,Volume", "2024-03-04,171.15,175.2,170.9,174.1,81510101"],
  asks: `${SYMBOL_TZ}; --source; whatever the header and the rows leave open`,
  map: NO_SOURCE,
  detects: hasHeaderOf("bars"),
};

export const stooq: MappedFormat = {
  name: "stooq",
  about:
    "Stooq's bulk files: ticker, period, date and time in columns of their own; those without OPENINT are Finam's and others'",
  sample: [
    "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
    "AAPL.US,D,20240102,000000,186.231,187.514,182.979,184.730,82598139,0",
  ],
  asks: "--symbols for several tickers; --tz for rows of less than a day; --source without OPENINT",
  map: {
    columns: { ...OHLC, volume: "VOL" },
    numbers: DOT,
    time: { columns: ["DATE", "TIME"], format: "yyyymmdd" },
    symbol: { column: "TICKER" },
    interval: {
      column: "PER",
      words: { D: "1d", W: "1w", M: "1mo", "1": "1min", "5": "5min", "15": "15min", "30": "30min", "60": "1h" },
    },
  },
  detects: hasColumns("TICKER", "PER", "DATE", "TIME", "OPEN", "HIGH", "LOW", "CLOSE", "VOL"),
  refine: (_opening, layout, given) => {
    const isStooq = layout.names.some((name) => /openint/i.test(name));
    const draft = isStooq ? given : withMap(given, NO_SOURCE);
    const period = layout.names.findIndex((name) => /per/i.test(name));
    const areDays = layout.rows.every((row) => /^[DWM]$/.test(row[period]!));
    // The time of a day's bar says nothing.
    return areDays ? withMap(draft, { time: { columns: ["DATE"], format: "yyyymmdd" } }) : draft;
  },
};

const withMap = (draft: FeedDraft, map: Partial<FeedDraft["map"]>): FeedDraft => ({
  ...draft,
  map: { ...draft.map, ...map },
});

const VOLUME_OF = /^volume[ (]+([a-z0-9]+)\)?$/i;

export const cryptoDataDownload: MappedFormat = {
  name: "cryptodatadownload",
  about: "CryptoDataDownload: a banner line, volumes in both currencies, of which the first one of the symbol is kept",
  sample: [
    "CryptoDataDownload.com",
    "Unix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount",
    "1704153600000,2024-01-02 00:00:00,BTCUSDT,44500.1,44850.2,44400.3,44800.1,1400.25,62700000.1,42000",
  ],
  asks: "--interval for few rows; --tz for files without the column Unix",
  map: { numbers: DOT },
  detects: (lines) =>
    hasColumns("Date", "Symbol", "Open", "High", "Low", "Close")(lines) &&
    lines.slice(0, 6).some((line) => /,volume \w+,volume \w+/i.test(line)),
  refine: (opening, layout, draft) => {
    const symbolAt = layout.names.findIndex((name) => /^symbol$/i.test(name));
    const volumes = layout.names.filter((name) => VOLUME_OF.test(name));
    const isBase = (name: string) => {
      const unit = VOLUME_OF.exec(name)![1]!.toUpperCase();
      return layout.rows.every((row) => row[symbolAt]!.toUpperCase().startsWith(unit));
    };
    const bases = volumes.filter(isBase);
    if ((opening.options.column ?? []).some((text) => text.startsWith("volume="))) return draft;
    if (bases.length !== 1) {
      const why = `which of ${volumes.map(shown).join(" and ")} is the symbol's own currency isn't said`;
      opening.decisions.ask(
        { what: "column of volume", why, flag: "--column volume=NAME", place: "columns.volume" },
        undefined,
      );
    }
    return withMap(draft, { columns: { ...OHLC, volume: bases[0] ?? volumes[0]! }, symbol: { column: "symbol" } });
  },
};

export const dukascopy: MappedFormat = {
  name: "dukascopy",
  about: "Dukascopy's export of bars: Gmt time, or Local time with its offset",
  sample: ["Gmt time,Open,High,Low,Close,Volume", "01.03.2024 00:00:00.000,1.08048,1.08073,1.08042,1.08061,1234.5"],
  asks: "--symbol; --interval for few rows",
  map: { columns: { ...OHLC, volume: "Volume" }, numbers: DOT, time: { format: "dd/mm/yyyy" } },
  detects: (lines) =>
    hasColumns("Gmt time", "Open", "High", "Low", "Close", "Volume")(lines) ||
    hasColumns("Local time", "Open", "High", "Low", "Close", "Volume")(lines),
  refine: (_opening, layout, draft) => {
    const isGmt = /gmt/i.test(layout.names[0]!);
    return withMap(draft, { time: { columns: [1], format: "dd/mm/yyyy", ...(isGmt ? { zone: "UTC" } : {}) } });
  },
};

const NAMED_HISTDATA = /^DAT_(?:ASCII|MT)_([A-Z0-9]{6})_M1_/;
const histdataName = ({ names }: Opening) =>
  names.map((name) => NAMED_HISTDATA.exec(basename(name))?.[1]).find((ticker) => ticker !== undefined);
/** "Eastern Standard Time without daylight saving": five hours behind UTC all year. */
const EST = "Etc/GMT+5";

export const histdata: MappedFormat = {
  name: "histdata",
  about:
    "HistData's minutes (ASCII): no header, EST all year; NinjaTrader's files look the same and are stamped otherwise",
  sample: ["20120201 000000;1.306600;1.306600;1.306560;1.306560;0"],
  asks: "--symbol and --format histdata, as far as the name DAT_ASCII_EURUSD_M1_2012.csv doesn't say them",
  map: {
    delimiter: ";",
    header: false,
    columns: { open: 2, high: 3, low: 4, close: 5, volume: 6 },
    numbers: DOT,
    time: { columns: [1], format: "yyyymmdd", zone: EST },
    interval: "1min",
  },
  detects: hasRow(/^\d{8} \d{6}(;[\d.]+){4};\d+$/),
  named: (opening) => tickerOf(histdataName(opening)),
  refine: (opening, _layout, draft) => {
    if (opening.options.format === undefined && histdataName(opening) === undefined) {
      const why =
        "HistData (stamped at the start, in EST) and NinjaTrader (at the end, in another zone) write such lines";
      opening.decisions.ask(
        { what: "format", why, flag: "--format histdata if it is that, else --map FILE" },
        undefined,
      );
    }
    return draft;
  },
};

const tickerOf = (ticker: string | undefined) => (ticker === undefined ? {} : { ticker });

const MT_ROW = /^\d{4}\.\d\d\.\d\d[,;\t]\d\d:\d\d(:\d\d)?([,;\t]-?[\d.]+){5}/;

export const metatraderRows: MappedFormat = {
  name: "metatrader-rows",
  about: "MetaTrader 4's export, and HistData's for it: no header, yyyy.mm.dd, the server's clock",
  sample: ["2024.03.04,18:49,77.708,77.710,77.702,77.702,30"],
  asks: "--symbol, and --source and --tz (the server's), unless the name DAT_MT_EURUSD_M1_2012.csv says HistData; --interval",
  map: {
    ...NO_SOURCE,
    header: false,
    columns: { open: 3, high: 4, low: 5, close: 6, volume: 7 },
    numbers: DOT,
    time: { columns: [1, 2], format: "yyyy.mm.dd" },
  },
  detects: hasRow(MT_ROW),
  named: (opening) => tickerOf(histdataName(opening)),
  refine: (opening, _layout, draft) =>
    histdataName(opening) === undefined
      ? draft
      : withMap(draft, { source: histdata.name, time: { ...draft.map.time, zone: EST }, interval: "1min" }),
};

export const metatrader: MappedFormat = {
  name: "metatrader",
  about: "MetaTrader's export with a header: dates like 2024.03.04; tick volume and volume are two columns",
  sample: [
    "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
    "2024.03.04\t00:00:00\t1.0841\t1.0867\t1.0837\t1.0856\t61234\t0\t0",
  ],
  asks: `${SYMBOL_TZ}; --source; --column volume=<TICKVOL> or volume=<VOL>; --interval for few rows`,
  map: { ...NO_SOURCE, numbers: DOT, time: { format: "yyyy.mm.dd" } },
  detects: (lines) => ohlcv.detects(lines) && lines.slice(1, 6).some((line) => /^"?\d{4}\.\d\d\.\d\d/.test(line)),
};

const KRAKEN_NAME = /^([A-Z0-9]{5,10})(?:_(\d{1,5}))?\.csv$/;

export const kraken: MappedFormat = {
  name: "kraken-ohlcvt",
  about:
    "Kraken's OHLCVT files: seconds, open, high, low, close, volume, trades; no header; XBTUSD_1.csv says the minutes",
  sample: ["1381095240,122.0,122.0,122.0,122.0,0.1,1"],
  asks: "--format kraken-ohlcvt; --symbol and --interval as far as the name doesn't say them",
  unsure: "seven numbers don't say which is which",
  map: {
    header: false,
    columns: { open: 2, high: 3, low: 4, close: 5, volume: 6 },
    numbers: DOT,
    time: { columns: [1], format: "epoch", unit: "s" },
  },
  detects: hasRow(/^\d{9,10}(,[\d.]+){5},\d+$/),
  named: ({ names }) =>
    tickerOf(names.map((name) => KRAKEN_NAME.exec(basename(name))?.[1]).find((ticker) => ticker !== undefined)),
  refine: ({ names }, _layout, draft) => {
    const minutes = names.map((name) => KRAKEN_NAME.exec(basename(name))?.[2]).find((text) => text !== undefined);
    const interval = minutes === undefined ? undefined : lengthOfMinutes(Number(minutes));
    return interval === undefined ? draft : withMap(draft, { interval });
  },
};

const lengthOfMinutes = (minutes: number) =>
  minutes % 1440 === 0 ? `${minutes / 1440}d` : minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}min`;

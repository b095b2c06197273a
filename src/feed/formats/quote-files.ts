import { basename } from "node:path";
import type { Opening } from "../format.ts";
import { binanceName } from "../symbol.ts";
import { DOT } from "./bar-sites.ts";
import { marketOf, marketSource } from "./binance-market.ts";
import { databentoScale, UNDEFINED_PRICE } from "./databento.ts";
import { hasColumns, hasHeaderOf, hasRow, type MappedFormat, NO_SOURCE } from "./mapped.ts";

const SIDES = { bid_price: "bid_price", bid_size: "bid_size", ask_price: "ask_price", ask_size: "ask_size" };
/** Where nobody quotes a side, its price and size are 0. */
const ZERO_IS_NONE = ["", "0"];

/** CSV by the names of its header. */
export const quotesByHeader: MappedFormat = {
  name: "quotes",
  about: "quotes with a header: a time, bid, ask, and what else there is of sizes, venue and conditions",
  sample: ["timestamp,bid,bid_size,ask,ask_size", "2024-01-02T14:30:00.000123456Z,187.14,300,187.15,100"],
  asks: "--symbol; --source; --tz for times without a zone; whatever the header and the rows leave open",
  map: NO_SOURCE,
  detects: hasHeaderOf("quotes"),
};

/** The tape's sizes were round lots until late 2025 and are shares since, and vendors changed with it or not. */
function askLots({ decisions, options }: Opening): void {
  if (options.sizeScale !== undefined) return;
  const why = "sizes of US shares' quotes are in round lots, mostly of 100, or in shares, by the vendor and the year";
  decisions.ask({ what: "size scale", why, flag: "--size-scale 100 or 1", place: "numbers.sizeScale" }, undefined);
}

export const polygonQuotes: MappedFormat = {
  name: "polygon-quotes",
  about: "flat files of Polygon (Massive) with the quotes of all tickers, at the tape's time (sip_timestamp)",
  sample: [
    [
      "ticker,ask_exchange,ask_price,ask_size,bid_exchange",
      "bid_price,bid_size,conditions,indicators,participant_timestamp",
      "sequence_number,sip_timestamp,tape,trf_timestamp",
    ].join(","),
    "AAPL,12,200.3,2,11,200.29,3,1,,1744790400003123456,1001,1744790400003456789,3,0",
  ],
  asks: "--symbols; --size-scale 100 or 1",
  map: {
    // Sequence numbers are unique within a ticker.
    columns: { ...SIDES, sequence: "sequence_number", venue: ["bid_exchange", "ask_exchange"] },
    numbers: DOT,
    time: { columns: ["sip_timestamp"], format: "epoch", unit: "ns" },
    symbol: { column: "ticker" },
    noQuote: ZERO_IS_NONE,
  },
  detects: hasColumns(
    ...["ticker", "ask_exchange", "ask_price", "ask_size", "bid_exchange", "bid_price", "bid_size"],
    ...["sequence_number", "sip_timestamp"],
  ),
  refine: (opening, layout, draft) => {
    askLots(opening);
    const hasConditions = layout.names.includes("conditions");
    const conditions = [{ column: "conditions", split: "," }];
    return hasConditions ? { ...draft, map: { ...draft.map, conditions } } : draft;
  },
};

export const alpacaQuotes: MappedFormat = {
  name: "alpaca-quotes",
  about: "Alpaca's quotes as tables: symbol, timestamp, exchange, price and size of bid and ask, conditions, tape",
  sample: [
    "symbol,timestamp,bid_exchange,bid_price,bid_size,ask_exchange,ask_price,ask_size,conditions,tape",
    "AAPL,2024-01-02T14:30:00.000123456Z,V,187.14,3,Q,187.15,1,R,C",
  ],
  asks: "--symbols for several; --size-scale 100 or 1",
  map: {
    columns: { ...SIDES, venue: ["bid_exchange", "ask_exchange"] },
    numbers: DOT,
    time: { columns: ["timestamp"] },
    symbol: { column: "symbol" },
    conditions: [{ column: "conditions", split: " " }],
    noQuote: ZERO_IS_NONE,
  },
  detects: hasColumns(
    ...["symbol", "timestamp", "bid_exchange", "bid_price", "bid_size", "ask_exchange", "ask_price", "ask_size"],
    ...["conditions", "tape"],
  ),
  refine: (opening, _layout, draft) => {
    askLots(opening);
    return draft;
  },
};

export const databentoQuotes: MappedFormat = {
  name: "databento-quotes",
  about: "the best bid and ask of Databento's mbp-1, tbbo and mbp-10 as CSV, at the venue's time (ts_event)",
  sample: [
    [
      "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side",
      "depth,price,size,flags,ts_in_delta,sequence,bid_px_00",
      "ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00,symbol",
    ].join(","),
    [
      "1609160400000704060,1609160400000429831,1,1,5482,A,A",
      "0,3720500000000,1,128,22993,1170352,3720250000000",
      "3720500000000,24,11,15,9,ESH1",
    ].join(","),
  ],
  asks: "--symbols for several",
  map: {
    // The venue's sequence numbers messages, of which one may bring several records.
    columns: {
      ...{ bid_price: "bid_px_00", bid_size: "bid_sz_00", ask_price: "ask_px_00", ask_size: "ask_sz_00" },
      venue: "publisher_id",
    },
    numbers: DOT,
    time: { columns: ["ts_event"] },
    symbol: { column: "symbol" },
    noQuote: ["", UNDEFINED_PRICE],
  },
  detects: hasColumns(
    ...["ts_event", "rtype", "publisher_id", "bid_px_00", "ask_px_00", "bid_sz_00", "ask_sz_00", "symbol"],
  ),
  refine: databentoScale(["bid_px_00", "ask_px_00"]),
};

export const binanceBookTicker: MappedFormat = {
  name: "binance-bookticker",
  about: "Binance's bookTicker of futures: the best bid and ask at each change, at the matching engine's time",
  sample: [
    "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time",
    "2400000001,96380.1,0.012,96380.2,1.5,1733011200123,1733011200130",
  ],
  asks: "--symbol as far as the file's name doesn't say it; --market",
  map: {
    columns: {
      ...{ bid_price: "best_bid_price", bid_size: "best_bid_qty" },
      ...{ ask_price: "best_ask_price", ask_size: "best_ask_qty" },
    },
    numbers: DOT,
    time: { columns: ["transaction_time"], format: "epoch" },
    noQuote: ZERO_IS_NONE,
  },
  detects: hasColumns("update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty"),
  named: ({ names }) => binanceName(names),
  refine: (opening, _layout, draft) => {
    const { ticker } = draft.named ?? {};
    const told = opening.options.symbol?.split("@")[0] ?? ticker ?? "?";
    const market = marketOf(opening, told, ticker, { markets: ["um", "cm"], by: "bookTicker" });
    return { ...draft, map: { ...draft.map, source: marketSource(market, "bookticker") } };
  },
};

const HISTDATA_NAME = /^DAT_(?:ASCII|NT)_([A-Z0-9]{6})_T_/;

export const histdataTicks: MappedFormat = {
  name: "histdata-ticks",
  about: "HistData's ticks (ASCII): time in EST all year, bid, ask, and a volume that is always 0",
  sample: ["20120201 000003660,1.306600,1.306770,0"],
  asks: "--symbol, as far as the name DAT_ASCII_EURUSD_T_201202.csv doesn't say it",
  map: {
    header: false,
    columns: { bid_price: 2, ask_price: 3 },
    numbers: DOT,
    time: { columns: [1], format: "yyyymmdd", zone: "Etc/GMT+5" },
  },
  detects: hasRow(/^\d{8} \d{9},[\d.]+,[\d.]+,0$/),
  named: ({ names }) => {
    const ticker = names.map((name) => HISTDATA_NAME.exec(basename(name))?.[1]).find((found) => found !== undefined);
    return ticker === undefined ? {} : { ticker };
  },
};

export const dukascopyTicks: MappedFormat = {
  name: "dukascopy-ticks",
  about: "Dukascopy's ticks: time, ask, bid and their volumes, as its site and programs for its files write them",
  sample: ["Gmt time,Ask,Bid,AskVolume,BidVolume", "01.03.2024 00:00:00.123,1.08061,1.08058,0.9,1.2"],
  asks: "--symbol; --tz unless the column is called Gmt time or its times have an offset",
  map: { numbers: DOT },
  detects: (lines) =>
    hasColumns("Ask", "Bid", "AskVolume", "BidVolume")(lines) ||
    hasColumns("AskPrice", "BidPrice", "AskVolume", "BidVolume")(lines),
  refine: (_opening, layout, draft) => {
    const isSite = layout.names.some((name) => /^(gmt|local) time$/i.test(name));
    return isSite ? { ...draft, map: { ...draft.map, time: { format: "dd/mm/yyyy" } } } : draft;
  },
};

export const trueFx: MappedFormat = {
  name: "truefx",
  about: "TrueFX: pair, time in GMT, bid, ask; no header",
  sample: ["EUR/USD,20120201 00:00:00.123,1.3066,1.3067"],
  asks: "--symbols for several",
  map: {
    header: false,
    columns: { bid_price: 3, ask_price: 4 },
    numbers: DOT,
    time: { columns: [2], format: "yyyymmdd", zone: "UTC" },
    symbol: { column: 1 },
  },
  detects: hasRow(/^[A-Z]{3}\/[A-Z]{3},\d{8} \d\d:\d\d:\d\d\.\d{3},[\d.]+,[\d.]+$/),
};

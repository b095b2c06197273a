import { basename } from "node:path";
import { DOT } from "./bar-sites.ts";
import { databentoScale, UNDEFINED_PRICE } from "./databento.ts";
import { hasColumns, hasHeaderOf, hasRow, type MappedFormat, NO_SOURCE } from "./mapped.ts";

/** CSV by the names of its header. */
export const trades: MappedFormat = {
  name: "trades",
  about: "trades with a header: a time, price, size, and what else there is of id, venue and conditions",
  sample: ["timestamp,price,size,id,exchange", "2024-01-02T14:30:00.000123456Z,187.15,100,1,V"],
  asks: "--symbol; --source; --tz for times without a zone; whatever the header and the rows leave open",
  map: NO_SOURCE,
  detects: hasHeaderOf("ticks"),
};

const POLYGON_COLUMNS = [
  ...["ticker", "conditions", "correction", "exchange", "id", "participant_timestamp", "price", "sequence_number"],
  ...["sip_timestamp", "size", "tape", "trf_id", "trf_timestamp"],
];

export const polygonTrades: MappedFormat = {
  name: "polygon-trades",
  about:
    "flat files of Polygon (Massive) with the trades of all tickers, at the exchange's time (participant_timestamp)",
  sample: [
    POLYGON_COLUMNS.join(","),
    'AAPL,"12,37",0,11,1,1744790400003123456,200.29,1001,1744790400003456789,25,3,0,0',
  ],
  asks: "--symbols",
  map: {
    // Ids are unique within a ticker, an exchange and a trade reporting facility.
    columns: { price: "price", size: "size", trade_id: "id", venue: ["exchange", "trf_id"] },
    numbers: DOT,
    time: { columns: ["participant_timestamp"], format: "epoch", unit: "ns" },
    symbol: { column: "ticker" },
    conditions: [
      { column: "conditions", split: "," },
      {
        column: "correction",
        words: {
          "": null,
          "0": null,
          "00": null,
          "1": "correction 1",
          "01": "correction 1",
          "7": "correction 7",
          "07": "correction 7",
          "8": "correction 8",
          "08": "correction 8",
          "10": "correction 10",
          "11": "correction 11",
          "12": "correction 12",
        },
      },
    ],
  },
  detects: hasColumns(...POLYGON_COLUMNS),
};

export const alpacaTrades: MappedFormat = {
  name: "alpaca-trades",
  about: "Alpaca's trades as tables: symbol, timestamp, exchange, price, size, id, conditions, tape",
  sample: [
    "symbol,timestamp,exchange,price,size,id,conditions,tape",
    'AAPL,2024-01-02T14:30:00.000123456Z,V,187.15,100,1,"@ F",C',
  ],
  asks: "--symbols for several",
  map: {
    columns: { price: "price", size: "size", trade_id: "id", venue: "exchange" },
    numbers: DOT,
    time: { columns: ["timestamp"] },
    symbol: { column: "symbol" },
    conditions: [{ column: "conditions", split: " " }],
  },
  detects: hasColumns("symbol", "timestamp", "exchange", "price", "size", "id", "conditions", "tape"),
};

export const databentoTrades: MappedFormat = {
  name: "databento-trades",
  about:
    "Databento's trades as CSV: times in nanoseconds or ISO, prices in 1e-9 or decimal, at the venue's time (ts_event)",
  sample: [
    "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol",
    "1609160400000704060,1609160400000429831,0,1,5482,T,A,0,3720250000000,5,129,19251,1170380,ESH1",
  ],
  asks: "--symbols for several",
  map: {
    columns: { price: "price", size: "size", venue: "publisher_id" },
    numbers: DOT,
    time: { columns: ["ts_event"] },
    symbol: { column: "symbol" },
    conditions: [{ column: "side", words: { A: "seller_aggressor", B: "buyer_aggressor", N: null } }],
    rows: [{ column: "action", is: ["T"] }],
    nulls: [UNDEFINED_PRICE],
  },
  detects: hasColumns("ts_event", "rtype", "publisher_id", "action", "side", "price", "size", "sequence", "symbol"),
  refine: databentoScale(["price"]),
};

const KRAKEN_NAME = /^([A-Z0-9]{5,10})\.csv$/;

export const krakenTrades: MappedFormat = {
  name: "kraken-trades",
  about: "Kraken's files of trades: seconds, price, volume; no header",
  sample: ["1381095255,122.0,0.1"],
  asks: "--format kraken-trades; --symbol as far as the name XBTUSD.csv doesn't say it",
  unsure: "three numbers don't say which is which",
  map: {
    header: false,
    columns: { price: 2, size: 3 },
    numbers: DOT,
    time: { columns: [1], format: "epoch", unit: "s" },
  },
  detects: hasRow(/^\d{9,10}(\.\d+)?,[\d.]+,[\d.]+$/),
  named: ({ names }) => {
    const ticker = names.map((name) => KRAKEN_NAME.exec(basename(name))?.[1]).find((found) => found !== undefined);
    return ticker === undefined ? {} : { ticker };
  },
};

/** The kinds of event that a map can say, and what a column may be in each. A further kind is a further entry here. */
export const KINDS = {
  ticks: { required: ["price", "size"], optional: ["trade_id", "venue"], prices: ["price"], sizes: ["size"] },
  quotes: {
    required: ["bid_price", "ask_price"],
    optional: ["bid_size", "ask_size", "sequence", "venue"],
    prices: ["bid_price", "ask_price"],
    sizes: ["bid_size", "ask_size"],
  },
  bars: {
    required: ["open", "high", "low", "close"],
    optional: ["volume", "venue"],
    prices: ["open", "high", "low", "close"],
    sizes: ["volume"],
  },
} as const;

export type MapKind = keyof typeof KINDS;

/** What columns of any kind may be besides its fields. */
export const SHARED_FIELDS = ["time", "symbol", "interval", "conditions", "ignore"] as const;

/** Fields that several columns make together: a sum, or texts that are joined. */
export const OF_SEVERAL: readonly string[] = ["volume", "venue", "trade_id"];

/** Every field of a kind, as `columns` of a map and --column name them. */
export const fieldsOf = (kind: MapKind): readonly string[] => [...KINDS[kind].required, ...KINDS[kind].optional];

/**
 * Names of header columns and the field that they mean, as `normalName` writes them. A name stands here when it can mean
 * nothing else: "price" and "last" of a bar, "amount" of a trade and the like are asked about.
 */
export const SYNONYMS: Readonly<Record<MapKind, Readonly<Record<string, readonly string[]>>>> = {
  ticks: {
    price: ["price", "tradeprice", "lastprice", "px", "preis", "kurs"],
    size: ["size", "qty", "quantity", "tradesize", "lastsize", "volume", "vol", "volumen", "shares", "stück"],
    trade_id: ["id", "tradeid", "tid", "aggtradeid", "execid", "matchid"],
    venue: ["exchange", "venue", "exch", "mic"],
    conditions: ["conditions", "condition", "side", "takerside", "salecondition"],
  },
  // A column called sequence may number packets, of which several quotes share one: it is told.
  quotes: {
    bid_price: ["bid", "bidprice", "bidpx", "bestbid", "bestbidprice", "bidpx00"],
    ask_price: ["ask", "askprice", "askpx", "bestask", "bestaskprice", "askpx00", "offer", "offerprice"],
    bid_size: ["bidsize", "bidqty", "bidquantity", "bidvolume", "bestbidsize", "bestbidqty", "bidsz", "bidsz00"],
    ask_size: [
      ...["asksize", "askqty", "askquantity", "askvolume", "bestasksize", "bestaskqty", "asksz", "asksz00"],
      ...["offersize", "offerqty"],
    ],
    venue: ["exchange", "venue", "exch", "mic"],
    conditions: ["conditions", "condition", "quotecondition"],
  },
  bars: {
    open: ["open", "o", "openprice", "1open", "eröffnung", "erster", "apertura", "ouverture", "ouv"],
    high: ["high", "h", "highprice", "2high", "hoch", "tageshoch", "max", "haut"],
    low: ["low", "l", "lowprice", "3low", "tief", "tagestief", "min", "bas"],
    close: ["close", "c", "closeprice", "close/last", "4close", "schluss", "schlusskurs", "cierre", "clôture", "clot"],
    // German sites call shares Stück and may call money Volumen: where both stand, it is asked.
    volume: [
      ...["volume", "vol", "v", "5volume", "volumen", "tickvol", "tickvolume", "realvolume"],
      ...["stück", "stücke", "stueck", "stuecke"],
    ],
    venue: ["exchange", "venue", "exch", "mic"],
  },
};

/** The same for times, symbols and intervals of every kind; what a time column holds is told by its cells. */
export const SHARED_SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  time: [
    ...[
      "date",
      "datetime",
      "time",
      "timestamp",
      "day",
      "dateandtime",
      "tradedate",
      "tradetime",
      "barstart",
      "begin",
      "start",
    ],
    ...["opentime", "starttime", "windowstart", "unix", "unixtimestamp", "unixtime", "epoch", "t", "ts", "tsevent"],
    ...[
      "datum",
      "zeit",
      "uhrzeit",
      "fecha",
      "hora",
      "heure",
      "gmttime",
      "utctime",
      "timeutc",
      "localtime",
      "dateutc",
      "timestamputc",
    ],
  ],
  symbol: [
    ...["symbol", "ticker", "tic", "sym", "stock", "instrument", "security", "contract", "pair", "tradingsymbol"],
    ...["secid", "ric", "code", "name"],
  ],
  interval: ["per", "period", "interval", "timeframe", "resolution"],
};

/** Columns that are known to say nothing a bar or a tick keeps: they are named among those not used, and not asked about. */
export const NOT_KEPT: ReadonlySet<string> = new Set([
  ...["adjclose", "adjustedclose", "closeadj", "adjopen", "adjhigh", "adjlow", "adjvolume", "unadjustedvolume"],
  ...["change", "change%", "%change", "changepercent", "%chg", "chg", "chg%", "pctchange", "return", "returns"],
  ...["dividends", "dividend", "dividendamount", "stocksplits", "splitcoefficient", "splitfactor", "capitalgains"],
  ...["vwap", "average", "avg", "wap", "vw", "barcount", "count", "trades", "tradecount", "numberoftrades"],
  ...["transactions", "n", "numtrades", "notrades", "openint", "openinterest", "oi", "spread", "closetime", "endtime"],
  ...["quotevolume", "quoteassetvolume", "quoteqty", "takerbuyvolume", "takerbuyquotevolume", "takerbuybasevolume"],
  ...["takerbuybaseassetvolume", "takerbuyquoteassetvolume", "ignore", "turnover", "currency", "unnamed0", "index"],
]);

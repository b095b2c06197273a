import type { FeedDraft } from "../../decide/draft.ts";
import type { Layout } from "../../decide/layout.ts";
import { type Opening, refusal } from "../../format.ts";
import { leanName } from "../../symbol.ts";
import { DOT } from "../bar-sites.ts";
import { hasRow, type MappedFormat } from "../mapped.ts";
import { askAsset, isScaled, type LeanAsset, leanClock, leanSource, toldAsset } from "./asset.ts";

/** Shares have an exchange and flags, options and futures an exchange, crypto neither; each ends in suspicious, 0 or 1. */
const SIZED = /^\d{1,8}(\.\d+)?(,-?\d+(\.\d+)?){4}(,[^,]*){0,2},[01]$/;
/** Forex and CFDs have no sizes: ms, bid, ask. */
const BARE = /^\d{1,8}(\.\d+)?(,\d+(\.\d+)?){2}$/;

/** The asset classes that files of so many columns can be of. */
const OF_WIDTH: Readonly<Record<number, readonly LeanAsset[]>> = {
  3: ["forex", "cfd"],
  6: ["crypto"],
  7: ["option", "future"],
  8: ["equity"],
};

/** Nine of ten of the first rows have to be quotes: one row of LOBSTER's messages looks like one of crypto's. */
const ROWS = 50;

/** Whether rows can be nothing but Lean's quotes: three numbers could be a trade of crypto, too. */
export const isLeanQuote = (lines: readonly string[]): boolean => {
  const first = lines.slice(0, ROWS);
  return hasRow(SIZED)(first) && first.filter((line) => SIZED.test(line)).length * 10 >= first.length * 9;
};

export const leanQuotes: MappedFormat = {
  name: "lean-quotes",
  about: "Lean's quotes: ms since midnight, bid, size, ask, size, and mostly an exchange; bid and ask alone for forex",
  sample: ["14430270,1815200,100,1815300,200,P,,0"],
  asks: "--symbol and --date as far as the names don't say them; --asset for 3 and 7 columns; --tz; --format for 3 columns",
  map: {
    header: false,
    columns: { bid_price: 2, bid_size: 3, ask_price: 4, ask_size: 5 },
    numbers: DOT,
    time: { columns: [1], format: "ms of day" },
    noQuote: ["", "0"],
  },
  detects: (lines) => isLeanQuote(lines) || hasRow(BARE)(lines),
  named: ({ names }) => leanName(names),
  refine: (opening, layout, draft) => withAsset(opening, layout, draft),
};

function withAsset(opening: Opening, layout: Layout, draft: FeedDraft): FeedDraft {
  const { decisions, file, options } = opening;
  const width = layout.names.length;
  const prices = width === 3 ? [1, 2] : [1, 3];
  const isFraction = layout.rows.some((row) => prices.some((place) => row[place]!.includes(".")));
  const among = (OF_WIDTH[width] ?? []).filter((asset) => !(isFraction && isScaled(asset)));
  if (among.length === 0) {
    const what = isFraction ? "decimal prices" : "as many columns";
    throw refusal(`${file} has ${width} columns, and no quotes of Lean's have ${what} there`, "Check the file.");
  }
  if (width === 3 && options.format === undefined) {
    const why = "its three columns may be Lean's quotes of forex (bid, ask) or its trades of crypto (price, size)";
    decisions.ask({ what: "format", why, flag: "--format lean-quotes if they are quotes" }, undefined);
  }
  const told = toldAsset(opening, among);
  const isOne = among.length === 1;
  const asset = told ?? (isOne ? among[0]! : askAsset(opening, `it may be of ${among.join(" or ")}`, among));
  if (told === undefined && isOne) decisions.take("asset class", asset, `${width} columns`);
  // The clock of an asset class that is asked for isn't known, either.
  const isKnown = told !== undefined || isOne;
  const zone = isKnown ? leanClock(opening, asset).name : "UTC";
  const columns =
    width === 3 ? { bid_price: 2, ask_price: 3 } : { ...draft.map.columns, ...(width > 6 ? { venue: 6 } : {}) };
  const suspicious = { column: width, words: { "0": null, "1": "suspicious" } };
  const flags = width === 8 ? [{ column: 7 }] : [];
  const map: FeedDraft["map"] = {
    ...draft.map,
    source: `${leanSource(asset)}-quotes`,
    columns,
    numbers: { ...DOT, ...(isScaled(asset) ? { priceScale: 0.0001 } : {}) },
    time: { ...draft.map.time, zone },
    ...(width === 3 ? {} : { conditions: [...flags, suspicious] }),
  };
  return { ...draft, map };
}

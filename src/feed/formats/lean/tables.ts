import type { EventTopic } from "../../../event/schemas.ts";
import type { FeedDraft } from "../../decide/draft.ts";
import type { Layout } from "../../decide/layout.ts";
import { CSV_LINE_BYTES_MAX, type Format, type Opening, refusal } from "../../format.ts";
import { leanName } from "../../symbol.ts";
import { DOT } from "../bar-sites.ts";
import { hasRow, type MappedFormat } from "../mapped.ts";
import { askAsset, isScaled, leanClock, leanSource, toldAsset } from "./asset.ts";

const FIVE = String.raw`(,-?\d+(\.\d+)?){4},\d+(\.\d+)?$`;
const BAR_COLUMNS = { open: 2, high: 3, low: 4, close: 5, volume: 6 };

/** The asset class decides the scale of prices and the clock; Lean's files name neither. */
function withAsset(opening: Opening, layout: Layout, draft: FeedDraft, prices: readonly number[]): FeedDraft {
  const told = toldAsset(opening);
  const isFraction = layout.rows.some((row) => prices.some((place) => row[place]!.includes(".")));
  const asset =
    told ??
    askAsset(opening, "Lean's files don't say the asset class, which decides the scale of prices and the clock");
  if (isScaled(asset) && isFraction && told !== undefined) {
    throw refusal(
      `--asset ${asset} has whole prices, and ${opening.file} has decimal ones`,
      "Say the asset class that it holds.",
    );
  }
  // Without the asset class nothing below is known, and it is asked for already.
  if (told === undefined) return draft;
  const zone = leanClock(opening, asset).name;
  const numbers = { ...DOT, ...(isScaled(asset) ? { priceScale: 0.0001 } : {}) };
  return { ...draft, map: { ...draft.map, source: leanSource(asset), numbers, time: { ...draft.map.time, zone } } };
}

export const leanDays: MappedFormat = {
  name: "lean-days",
  about: "Lean's daily and hourly bars: yyyymmdd hh:mm, prices of shares and options times 10,000",
  sample: ["20240102 00:00,1871500,1884400,1838900,1856400,82488700"],
  asks: "--symbol; --asset; --interval for few rows; --tz for assets whose clock depends on the market",
  map: { header: false, columns: BAR_COLUMNS, time: { columns: [1], format: "yyyymmdd" }, numbers: DOT },
  detects: hasRow(new RegExp(String.raw`^\d{8} \d\d:\d\d${FIVE}`)),
  refine: (opening, layout, draft) => withAsset(opening, layout, draft, [1, 2, 3, 4]),
};

export const leanMinutes: MappedFormat = {
  name: "lean-minutes",
  about: "Lean's bars of minutes and seconds: ms since midnight, prices of shares and options times 10,000",
  sample: ["34200000,6448000,6449000,6447000,6448000,90"],
  asks: "--format lean-minutes; --symbol and --date as far as the names don't say them; --asset; --interval; --tz",
  unsure: "six numbers don't say which is which",
  map: { header: false, columns: BAR_COLUMNS, time: { columns: [1], format: "ms of day" }, numbers: DOT },
  detects: hasRow(new RegExp(String.raw`^\d{1,8}${FIVE}`)),
  named: ({ names }) => leanName(names),
  refine: (opening, layout, draft) => withAsset(opening, layout, draft, [1, 2, 3, 4]),
};

export const leanCrypto: MappedFormat = {
  name: "lean-crypto",
  about: "Lean's trades of crypto: ms since midnight (UTC), price, size, and mostly suspicious 0 or 1",
  sample: ["1234,17130.88,0.01,0"],
  asks: "--symbol and --date as far as the names don't say them; --format lean-crypto for three columns",
  map: {
    source: "lean-crypto",
    header: false,
    columns: { price: 2, size: 3 },
    numbers: DOT,
    time: { columns: [1], format: "ms of day", zone: "UTC" },
  },
  detects: hasRow(/^\d{1,8}(\.\d+)?,\d+(\.\d+)?,\d+(\.\d+)?(,[01])?$/),
  named: ({ names }) => leanName(names),
  refine: ({ options, decisions }, layout, draft) => {
    if (layout.names.length === 4) {
      const suspicious = [{ column: 4, words: { "0": null, "1": "suspicious" } }];
      return { ...draft, map: { ...draft.map, conditions: suspicious } };
    }
    if (options.format === undefined) {
      const why = "its three columns may be Lean's trades of crypto (price, size) or its quotes of forex (bid, ask)";
      decisions.ask({ what: "format", why, flag: "--format lean-crypto if they are trades" }, undefined);
    }
    return draft;
  },
};

/** Known files of quotes: a bid is no trade, and bars of bids and asks are two in a row. */
export function quotesOf<T extends EventTopic>(
  name: string,
  about: string,
  sample: string,
  next: string,
  detects: (lines: readonly string[]) => boolean,
): Format<T> {
  return {
    name,
    about: `${about}: quotes, which aren't read as this kind`,
    sample: [sample],
    asks: "",
    lineBytesMax: CSV_LINE_BYTES_MAX,
    detects,
    open: ({ file }) => {
      throw refusal(`${file} holds quotes (${about}), and a bid or an ask is no trade`, next);
    },
  };
}

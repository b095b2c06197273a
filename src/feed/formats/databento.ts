import type { FeedDraft } from "../decide/draft.ts";
import { type Layout, placeOf } from "../decide/layout.ts";
import type { Opening } from "../format.ts";

/** A cent in Databento's units: a price of fewer digits is more likely a decimal one whose point an editor took away. */
const CENT_DIGITS = 8;

/** What a price that there isn't is in units of 1e-9. */
export const UNDEFINED_PRICE = "9223372036854775807";

/** Databento writes prices as whole 1e-9, or as decimals that always have a point. */
export const databentoScale =
  (fields: readonly string[]) =>
  ({ decisions, options }: Opening, layout: Layout, draft: FeedDraft): FeedDraft => {
    if (options.priceScale !== undefined) return draft;
    const places = fields.map((field) => placeOf(field, layout.names)!);
    const prices = layout.rows
      .flatMap((row) => places.map((place) => row[place]!))
      .filter((text) => text !== "" && text !== UNDEFINED_PRICE);
    if (prices.some((text) => text.includes("."))) return draft;
    if (prices.length > 0 && prices.every((text) => text.length < CENT_DIGITS)) {
      const why = "its prices have no decimal point and are below a cent in units of 1e-9";
      decisions.ask(
        { what: "price scale", why, flag: "--price-scale 1e-9 or 1", place: "numbers.priceScale" },
        undefined,
      );
    }
    return { ...draft, map: { ...draft.map, numbers: { ...draft.map.numbers, priceScale: 1e-9 } } };
  };

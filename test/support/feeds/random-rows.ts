import { DateTime } from "luxon";
import fc from "../random/fast-check.ts";

export const ROWS = 250;
/** 40 files of 250 rows: 10,000 of each format. */
export const RUNS = { numRuns: 40, seed: 15, endOnFailure: true };

/** The header of Polygon's trades. */
export const POLYGON_TRADES = [
  ...["ticker", "conditions", "correction", "exchange", "id", "participant_timestamp", "price", "sequence_number"],
  ...["sip_timestamp", "size", "tape", "trf_id", "trf_timestamp"],
].join(",");

/** A decimal as its digits and how many of them stand behind the point, so that no double is between us and the text. */
export interface Decimal {
  readonly digits: number;
  readonly places: number;
}

export const doubleOf = ({ digits, places }: Decimal) => Number(`${digits}e-${places}`);

/** How a layout writes decimals. */
export interface DecimalLayout {
  readonly sign: "." | ",";
  readonly group: "" | "." | "," | " ";
  /** Whether zeros at the end are written. */
  readonly isFixed: boolean;
}

export function decimalText({ digits, places }: Decimal, { sign, group, isFixed }: DecimalLayout): string {
  const text = String(Math.abs(digits)).padStart(places + 1, "0");
  const whole = text.slice(0, text.length - places);
  const fraction = places === 0 ? "" : text.slice(-places);
  const kept = isFixed ? fraction : fraction.replace(/0+$/, "");
  const grouped = group === "" ? whole : whole.replace(/\B(?=(\d{3})+$)/g, group);
  return `${digits < 0 ? "-" : ""}${grouped}${kept === "" ? "" : `${sign}${kept}`}`;
}

/** As whole units of 10^-power, for prices that have at most so many places. */
export const unitsText = ({ digits, places }: Decimal, power: number) => `${digits}${"0".repeat(power - places)}`;

export interface RandomBar {
  readonly us: number;
  /** Open, high, low, close. */
  readonly prices: readonly [Decimal, Decimal, Decimal, Decimal];
  readonly volume: Decimal;
}

const STEP = 60_000_000;

/** Seconds of the times that files may begin at. */
export type Begin = readonly [number, number];

/** Before 2001-09-09 numbers of times have a digit less, and formats that tell their unit by it ask. */
export const SINCE_1975: Begin = [157_766_400, 1_720_000_000];
export const SINCE_2001: Begin = [1_000_080_000, 1_250_000_000];

/** Bars of a length with gaps, so that some files have a change of clocks; all prices with as many places. */
export function barsArbitrary(count: number, begin: Begin, stepUs = STEP): fc.Arbitrary<readonly RandomBar[]> {
  const first = fc.integer({ min: begin[0], max: begin[1] }).map((s) => Math.floor(s / 86_400) * 86_400_000_000);
  const price = fc.array(fc.integer({ min: 1, max: 9_000_000 }), { minLength: 4, maxLength: 4 });
  const row = fc.tuple(fc.integer({ min: 1, max: 9 }), price, fc.integer({ min: 0, max: 3_000_000 }));
  return fc
    .tuple(first, fc.integer({ min: 0, max: 5 }), fc.array(row, { minLength: count, maxLength: count }))
    .map(([start, places, rows]) => {
      let us = start;
      return rows.map(([steps, prices, volume]) => {
        us += stepUs * (steps > 6 ? steps * 7 : 1);
        const [low, a, b, high] = [...prices].sort((x, y) => x - y).map((digits) => ({ digits, places }));
        return { us, prices: [a!, high!, low!, b!], volume: { digits: volume, places: 0 } } satisfies RandomBar;
      });
    });
}

/** The clock of a zone at a time, by another library than the one that is tested reads it with. */
export const wallOf = (us: number, zone: string) => DateTime.fromMillis(us / 1000, { zone });

/** Whether a zone's clock shows this time twice, or the time alone can't be told otherwise. */
export const isTwice = (us: number, zone: string) => wallOf(us, zone).getPossibleOffsets().length > 1;

/** Cells as a line, quoted where they have to be. */
export const lineOf = (cells: readonly string[], delimiter: string) =>
  cells
    .map((cell) => (cell.includes(delimiter) || cell.includes('"') ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(delimiter);

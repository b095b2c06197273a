import { readFileSync } from "node:fs";

export const HOURS = ["regular", "extended"] as const;
export type Hours = (typeof HOURS)[number];

/** As `about` of the file says. */
export interface CalendarFacts {
  readonly names: readonly string[];
  readonly zone: string;
  readonly years: readonly [from: number, to: number];
  readonly hours: { readonly [H in Hours]?: readonly [open: number, close: number] };
  readonly earlyClose: { readonly [H in Hours]?: number };
  readonly early: readonly string[];
  readonly closed: readonly string[];
  readonly weekdays?: readonly number[];
  readonly pause?: readonly [from: number, to: number];
  readonly before?: readonly { readonly date: string; readonly regular: readonly [open: number, close: number] }[];
}

/** Beside the schemas, as other programs need the facts, too. */
export const { calendars } = JSON.parse(
  readFileSync(new URL("../../schemas/exchanges/calendars.json", import.meta.url), "utf8"),
) as {
  readonly calendars: readonly CalendarFacts[];
};

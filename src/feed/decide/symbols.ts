import { shown } from "../../errors.ts";
import type { SymbolEvent } from "../../event/events.ts";
import { type Opening, refusal } from "../format.ts";
import type { FeedMap } from "../map/schema.ts";
import { CODE, type FeedSymbol, parseSymbol } from "../symbol.ts";
import { type Layout, ofRows } from "./layout.ts";

/** Whose event a row is. */
export type SymbolRule =
  | { readonly fixed: FeedSymbol }
  | {
      readonly place: number;
      /** The rows to take; undefined takes all. */
      readonly only: ReadonlySet<string> | undefined;
      /** Whether a row of another symbol contradicts, or is left out because a flag chose. */
      readonly isOther: "rejected" | "left out";
      readonly exchange: string | undefined;
      /** What --symbol calls the one symbol of the column. */
      readonly as: FeedSymbol | undefined;
    };

const MEANWHILE = parseSymbol("?");

/** The one instrument of a file whose rows name none, by --symbol or the file's name. */
export function fileSymbol(
  { options, decisions, file }: Opening,
  named: string | undefined,
  told?: string,
  by = "the format",
): FeedSymbol {
  if (options.symbols !== undefined) {
    throw refusal(
      `--symbols chooses rows, and ${file} has no column that names the symbol`,
      "Say --symbol, or --column symbol=NAME.",
    );
  }
  const text = options.symbol ?? told ?? named;
  if (text === undefined) {
    const why = "it doesn't say which instrument it holds";
    return decisions.ask(
      { what: "symbol", why, flag: "--symbol TICKER or TICKER@EXCHANGE", place: "symbol.fixed" },
      MEANWHILE,
    );
  }
  const symbol = parseSymbol(text);
  decisions.take("symbols", symbol.text, options.symbol ? "--symbol" : told ? by : "the file's name");
  return symbol;
}

/** @param named the ticker that the file's name gives, in formats whose names do */
export function symbolRule(
  opening: Opening,
  map: FeedMap,
  by: string,
  place: number | undefined,
  layout: Layout,
  named?: string,
): SymbolRule {
  if (place === undefined) {
    const told = map.symbol !== undefined && "fixed" in map.symbol ? map.symbol.fixed : undefined;
    return { fixed: fileSymbol(opening, named, told, by) };
  }
  const told = map.symbol !== undefined && "column" in map.symbol && by === "--map" ? map.symbol : undefined;
  return columnRule(opening, place, layout, told);
}

function columnRule(
  { options, decisions }: Opening,
  place: number,
  layout: Layout,
  map: { only?: string[] | undefined; exchange?: string | undefined } | undefined,
): SymbolRule {
  const values = [...new Set(layout.rows.map((row) => row[place]!).filter((value) => value !== ""))];
  const column = shown(layout.names[place]!);
  const exchange = map?.exchange;
  const some = values.length > 4 ? `${values.slice(0, 4).join(", ")}, ...` : values.join(", ");
  const chosen = options.symbols ?? map?.only?.join(",") ?? (map ? "all" : undefined);
  if (chosen !== undefined) {
    const only = chosen === "all" ? undefined : new Set(chosen.split(",").map((text) => text.trim()));
    decisions.take(
      "symbols",
      only ? [...only].join(", ") : `all of ${column}: ${some}`,
      options.symbols ? "--symbols" : "--map",
    );
    return { place, only, isOther: "left out", exchange, as: undefined };
  }
  if (values.length > 1) {
    const why = `the column ${column} names several symbols (${some})`;
    const flag = "--symbols all or --symbols A,B";
    decisions.ask({ what: "symbols", why, flag, place: "symbol.only" }, undefined);
    return { place, only: undefined, isOther: "left out", exchange, as: undefined };
  }
  const [only = "?"] = values;
  const ticker = options.symbol?.split("@")[0];
  if (ticker !== undefined && ticker.toLowerCase() !== only.toLowerCase()) {
    throw refusal(
      `--symbol ${ticker} contradicts the column ${column}, which says ${shown(only)} in every row`,
      `Say --symbol ${only}, or --column ignore=${layout.names[place]} when the column is something else.`,
    );
  }
  decisions.take("symbols", only, ofRows(layout.rows.length, layout));
  const as = options.symbol === undefined ? undefined : parseSymbol(options.symbol);
  return { place, only: new Set([only]), isOther: "rejected", exchange, as };
}

/** Symbols remembered at a time; beyond it they are forgotten, and published again where they come again. */
const KNOWN_MAX = 100_000;

/** The symbols of rows, and those that are new. */
export class RowSymbols {
  readonly #known = new Map<string, FeedSymbol | string>();
  #new: SymbolEvent[] = [];

  readonly #exchange: string | undefined;

  constructor(exchange: string | undefined) {
    this.#exchange = exchange;
  }

  /** The symbol, or the sentence why the texts are none. */
  of(ticker: string, exchange = this.#exchange): FeedSymbol | string {
    const text = exchange === undefined ? ticker : `${ticker}@${exchange}`;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    const wrong = CODE.test(ticker) ? undefined : `the symbol ${shown(ticker)} is no ticker`;
    const symbol = wrong ?? (CODE.test(exchange ?? "none") ? parseSymbol(text) : `${shown(exchange!)} is no exchange`);
    this.#known.set(text, symbol);
    if (typeof symbol !== "string") this.#new.push(symbol.event);
    return symbol;
  }

  /** Those met since the last call. */
  found(): SymbolEvent[] {
    const found = this.#new;
    this.#new = [];
    return found;
  }
}

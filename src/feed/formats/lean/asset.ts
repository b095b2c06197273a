import { shown } from "../../../errors.ts";
import { type Opening, refusal } from "../../format.ts";
import { ZoneClock } from "../../zone.ts";

export type LeanAsset = "equity" | "option" | "index" | "future" | "forex" | "cfd" | "crypto";
const ASSETS: readonly LeanAsset[] = ["equity", "option", "index", "future", "forex", "cfd", "crypto"];

/** Prices of shares and their options are whole 1/10000; Lean's writer and readers scale no other class. */
export const isScaled = (asset: LeanAsset): boolean => asset === "equity" || asset === "option";

/** Asset classes share tickers: ES is a share and a future. */
export const leanSource = (asset: LeanAsset) => (asset === "equity" ? "lean" : `lean-${asset}`);

/**
 * The asset class that a flag names.
 * @param among the classes that have such files
 * @throws TradetapeError input_invalid for another one
 */
export function toldAsset({ options, decisions }: Opening, among = ASSETS): LeanAsset | undefined {
  const asset = among.find((name) => name === options.asset);
  if (options.asset === undefined) return undefined;
  if (asset === undefined)
    throw refusal(`Lean has no such files of --asset ${shown(options.asset)}`, `Say one of ${among.join(", ")}.`);
  decisions.take("asset class", asset, "--asset");
  return asset;
}

export function askAsset({ decisions }: Opening, why: string, among = ASSETS): LeanAsset {
  const choices = { option: "asset", values: among } as const;
  return decisions.ask({ what: "asset class", why, flag: `--asset ${among.join("|")}`, choices }, among[0]!);
}

/** The clock of an asset class's files, where Lean's sources agree about it. */
export function leanClock({ options, decisions }: Opening, asset: LeanAsset): ZoneClock {
  const own = isScaled(asset) ? "America/New_York" : asset === "crypto" ? "UTC" : undefined;
  const name = options.tz ?? own;
  if (name === undefined) {
    const why = `the clock of Lean's ${asset} files depends on the market`;
    return new ZoneClock(
      decisions.ask({ what: "zone", why, flag: "--tz, as in --tz UTC or --tz America/New_York" }, "UTC"),
    );
  }
  decisions.take("zone", name, options.tz ? "--tz" : `Lean's documentation of ${asset}`);
  return new ZoneClock(name);
}

import { shown } from "../../errors.ts";
import type { Decisions } from "../decision.ts";
import { type Opening, refusal } from "../format.ts";
import { KINDS } from "../map/fields.ts";
import type { FeedMap } from "../map/schema.ts";
import { type DecimalFinding, type DecimalSign, findDecimal, type NumberStyle } from "../text/numbers.ts";
import type { Columns } from "./columns.ts";
import type { FeedDraft } from "./draft.ts";
import type { Layout } from "./layout.ts";

/** Prices' style and sizes'. */
interface NumberStyles {
  readonly price: NumberStyle;
  readonly size: NumberStyle;
}

const signOf = (text: string): DecimalSign => {
  if (text === "comma" || text === ",") return ",";
  if (text === "dot" || text === ".") return ".";
  throw refusal(`--decimal ${shown(text)} is no decimal sign`, "Say --decimal comma or --decimal dot.");
};

/** How the file writes prices and sizes: the decimal sign by what is told, then by the numbers that prove it. */
export function numberStyles(
  { options, decisions }: Opening,
  { map, by }: FeedDraft,
  columns: Columns,
  layout: Layout,
): NumberStyles {
  const { prices, sizes } = KINDS[map.kind];
  const fields = [...prices, ...sizes] as string[];
  const places = fields.flatMap((field) => columns.fields.get(field) ?? []);
  const found = findDecimal(layout.rows.flatMap((row) => places.map((place) => row[place]!)));
  const told = options.decimal === undefined ? map.numbers?.decimal : signOf(options.decimal);
  let sign = told ?? (found.sign === "both" ? undefined : found.sign);
  const toldBy = options.decimal === undefined ? by : "--decimal";
  refuseOther(told, toldBy, found);
  if (told !== undefined) decisions.take("decimal sign", told, toldBy);
  else if (sign !== undefined)
    decisions.take("decimal sign", sign, `the file (${found.proofs[sign]} numbers can't be read otherwise)`);
  else if (found.sign === "both" || found.unclear !== undefined) {
    const why =
      found.sign === "both"
        ? "some numbers only fit a decimal comma and some only a decimal dot"
        : `numbers like ${shown(found.unclear!)} may have three decimals or a sign between groups of three digits`;
    const choices = { option: "decimal", values: ["comma", "dot"] } as const;
    sign = decisions.ask(
      { what: "decimal sign", why, flag: "--decimal comma|dot", choices, place: "numbers.decimal" },
      ".",
    );
  } else decisions.take("decimal sign", "none: whole numbers alone are taken", "the file, which shows no other");
  askApostrophe(decisions, map, prices, columns, layout, found);
  const group = map.numbers?.group ?? (sign === "," ? "." : sign === "." ? "," : "");
  const power = powerOf(decisions, "price scale", map.numbers?.priceScale, by, options.priceScale);
  const sizePower = powerOf(decisions, "size scale", map.numbers?.sizeScale, by, options.sizeScale);
  return {
    price: { decimal: sign, group, power, hasSuffix: false, hasApostrophe: found.hasApostrophe },
    size: { decimal: sign, group, power: sizePower, hasSuffix: map.kind === "bars", hasApostrophe: true },
  };
}

/** Bonds' prices are in 32nds at some exchanges: 110'160 is 110 and 16 of them there, and 110,160 elsewhere. */
function askApostrophe(
  decisions: Decisions,
  map: FeedMap,
  prices: readonly string[],
  columns: Columns,
  { rows }: Layout,
  { hasApostrophe }: DecimalFinding,
): void {
  if (hasApostrophe || map.numbers?.group !== undefined) return;
  const places = prices.flatMap((field) => columns.fields.get(field) ?? []);
  const unclear = rows.flatMap((row) => places.map((place) => row[place]!)).find((text) => /\d['’]\d{3}$/.test(text));
  if (unclear === undefined) return;
  const why = `prices like ${shown(unclear)} may be thousands or 32nds`;
  decisions.ask({ what: "group sign", why, flag: "--map with numbers.group", place: "numbers.group" }, undefined);
}

/** The power of ten that prices or sizes are multiplied by. */
function powerOf(
  decisions: Decisions,
  what: "price scale" | "size scale",
  known: number | undefined,
  by: string,
  flag: string | undefined,
): number {
  const power = Math.log10(flag === undefined ? (known ?? 1) : Number(flag));
  const name = `--${what.replace(" ", "-")}`;
  if (!Number.isInteger(Number(power.toFixed(9)))) {
    throw refusal(`${name} ${shown(flag ?? "")} is no power of ten`, "Say 0.0001, 1, 100 or the like.");
  }
  const isTold = flag !== undefined || known !== undefined;
  if (isTold) decisions.take(what, String(flag ?? known), flag === undefined ? by : name);
  return Math.round(power);
}

/** A few damaged numbers are rejected with their lines; as many as fit mean that the wrong sign was told. */
function refuseOther(told: DecimalSign | undefined, by: string, { proofs }: DecimalFinding): void {
  if (told === undefined) return;
  const other = told === "." ? "," : ".";
  if (proofs[other] === 0 || proofs[other] < proofs[told]) return;
  throw refusal(
    `${by} says that the decimal sign is ${shown(told)}, and ${proofs[other]} of the first numbers only fit ${shown(other)}`,
    "Say the sign that the file has.",
  );
}

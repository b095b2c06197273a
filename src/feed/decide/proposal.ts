import type { Question } from "../decision.ts";
import type { FeedMap } from "../map/schema.ts";
import type { Settled } from "./settle.ts";

/** The layout of a file as a map, with "?" in every place that nothing decides. */
export function proposedMap(settled: Settled, questions: readonly Question[]): object {
  const { map, layout, columns, times, style, zone, numbers, symbol, length, source } = settled;
  const hasNames = layout.names.some((name, i) => name !== String(i + 1));
  const nameOf = (place: number) => {
    const name = layout.names[place]!;
    return hasNames && layout.names.filter((other) => other === name).length === 1 && name !== "" ? name : place + 1;
  };
  const fields = [...columns.fields].map(([field, places]) => [
    field,
    places.length === 1 ? nameOf(places[0]!) : places.map(nameOf),
  ]);
  const proposal: FeedMap = {
    ...map,
    source,
    delimiter: layout.delimiter as NonNullable<FeedMap["delimiter"]>,
    skip: layout.head - (hasNames ? 1 : 0),
    header: hasNames,
    columns: Object.fromEntries(fields),
    numbers: {
      ...map.numbers,
      ...(numbers.price.decimal ? { decimal: numbers.price.decimal } : {}),
      ...(numbers.price.power === 0 ? {} : { priceScale: Number(`1e${numbers.price.power}`) }),
      ...(numbers.size.power === 0 ? {} : { sizeScale: Number(`1e${numbers.size.power}`) }),
    },
    time: {
      ...map.time,
      columns: times.map(nameOf),
      ...(style.unit && style.name === "epoch" ? { format: "epoch", unit: style.unit } : { format: style.name }),
      ...(zone ? { zone: zone.name } : {}),
    },
    ...(columns.conditions === undefined ? {} : { conditions: [{ column: nameOf(columns.conditions) }] }),
    symbol:
      "fixed" in symbol
        ? { fixed: symbol.fixed.text }
        : { column: nameOf(symbol.place), ...(symbol.only ? { only: [...symbol.only] } : {}) },
    ...(length === undefined
      ? {}
      : { interval: "fixed" in length ? length.fixed : { column: nameOf(length.place), words: length.words } }),
    ...(settled.isVolumeZero || (map.kind === "bars" && !columns.fields.has("volume")) ? { missingVolume: 0 } : {}),
  };
  return questions.reduce<object>(
    (made, { place }) => (place === undefined ? made : withMark(made, place.split("."))),
    proposal,
  );
}

/** The same object with "?" at the place. */
function withMark(made: object, [key = "", ...rest]: readonly string[]): object {
  const inner = (made as Record<string, unknown>)[key];
  const value = rest.length === 0 ? "?" : withMark(typeof inner === "object" && inner !== null ? inner : {}, rest);
  return { ...made, [key]: value };
}

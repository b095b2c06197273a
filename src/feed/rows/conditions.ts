import { shown } from "../../errors.ts";
import { neededPlace } from "../decide/layout.ts";
import type { Settled } from "../decide/settle.ts";
import type { ConditionPart } from "../map/schema.ts";

type Reader = (cells: readonly string[]) => readonly string[] | string | null;

/** A row's marks, of all columns that hold some; a string is the reason why one can't be read. */
export function conditionsReader({ map, columns, layout }: Settled, nulls: ReadonlySet<string>): Reader {
  const own: ConditionPart[] = columns.conditions === undefined ? [] : [{ column: columns.conditions + 1 }];
  const parts = [...own, ...(map.conditions ?? [])].map((part) => ({
    ...part,
    place: neededPlace(part.column, layout.names, "the map"),
    words: part.words === undefined ? undefined : new Map(Object.entries(part.words)),
  }));
  if (parts.length === 0) return () => null;
  return (cells) => {
    const marks: string[] = [];
    for (const { place, split, words, prefix } of parts) {
      const text = cells[place]!;
      if (words === undefined && nulls.has(text)) continue;
      for (const piece of split === undefined ? [text] : text.split(split)) {
        const word = words === undefined ? piece.trim() : words.get(piece.trim());
        if (word === undefined)
          return `${layout.names[place]} says ${shown(piece)}, which the format has no meaning for`;
        if (word !== null && word !== "") marks.push(`${prefix ?? ""}${word}`);
      }
    }
    return marks.length > 0 ? marks : null;
  };
}

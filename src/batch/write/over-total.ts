import { isAbove } from "../../event/field/demand.ts";
import type { Connection } from "../../table/connection.ts";
import type { Counted } from "../../table/landing/links.ts";
import type { StageStatements } from "../../table/landing/stage.ts";
import { brokenLetter, type EncodedBatch, type Letter } from "../encode/encoded-batch.ts";
import { indexOf } from "../encode/offset-index.ts";

/** Takes events out of the stage that would bring a total above what their parent allows. */
export async function totalLetters(
  connection: Connection,
  { totals, discard }: StageStatements,
  batch: EncodedBatch,
): Promise<Letter[]> {
  if (totals === undefined) return [];
  const over = overTotal(await connection.query<Counted>(totals.sql, []));
  if (over.length > 0) await connection.run(discard, [over]);
  return over.map((offset) => ({ index: indexOf(batch, offset), ...brokenLetter(totals.rule) }));
}

/**
 * The offsets of the events that would bring a total above what their parent allows: each is added, in the topic's order, to
 * what has landed and to those before it that were not too much. So it comes to the same wherever a batch is cut: what one
 * batch would have refused has not landed for the next. A repeat of an id that goes in is left to the rule for repeats.
 */
function overTotal(rows: readonly Counted[]): readonly number[] {
  const totals = new Map<string, number>();
  const taken = new Set<string>();
  const over: number[] = [];
  for (const { offset, id, parent, number, counts, most, landed } of rows) {
    if (taken.has(id)) continue;
    const before = totals.get(parent) ?? landed.reduce((sum, one) => sum + one, 0);
    const after = counts ? before + number : before;
    if (counts && isAbove(after, most)) {
      over.push(offset);
      continue;
    }
    totals.set(parent, after);
    taken.add(id);
  }
  return over;
}

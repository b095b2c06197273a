import type { Connection } from "../../table/connection.ts";
import type { RowHasher } from "../../table/rows/row-hasher.ts";
import type { Rows } from "../encode/rows.ts";
import { type CopyTarget, copyIsolated } from "./copy-isolated.ts";
import { NOTHING_LANDED, type Outcome } from "./outcome.ts";
import { sumRows } from "./sum-rows.ts";

/**
 * The big topics' path: rows [from, to) go by COPY straight into the table.
 * @returns "repeat" when an id is there already (or twice in the batch): the staged path tells first from repeat
 */
export async function landDirect(
  connection: Connection,
  target: CopyTarget,
  rows: Rows,
  from: number,
  to: number,
  hasher: RowHasher | undefined,
): Promise<Outcome | "repeat"> {
  const result = await copyIsolated(connection, target, rows, from, to);
  if (result === "repeat") return "repeat";
  const { letters, copied } = result;
  const refused = new Set(letters.map(({ index }) => index));
  const rowSums =
    hasher && sumRows(hasher, rows, from, to, refused.size > 0 ? (index) => refused.has(index) : undefined);
  return { ...NOTHING_LANDED, written: copied, letters, rowSums };
}

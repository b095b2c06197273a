import type { Connection } from "../../table/connection.ts";
import type { Rows } from "../encode/rows.ts";
import { type CopyTarget, copyIsolated } from "./copy-isolated.ts";
import { NOTHING_LANDED, type Outcome } from "./outcome.ts";

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
): Promise<Outcome | "repeat"> {
  const result = await copyIsolated(connection, target, rows, from, to);
  if (result === "repeat") return "repeat";
  const { letters, copied } = result;
  return { ...NOTHING_LANDED, written: copied, letters };
}

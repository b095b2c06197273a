import { TradetapeError } from "../../errors.ts";
import type { Connection } from "../connection.ts";
import { type Trace, tracesBy } from "./lineage.ts";
import { barsHolding, findTraced, type Traced, tracesOf } from "./traced.ts";

/** A bar may be known to any number of decisions; a person reads some. */
const TRACES_MAX = 5;

/** The trees that an id is part of. */
export interface Trees {
  readonly id: string;
  readonly kind: Traced["kind"] | null;
  /** ISO 8601, UTC; null is now. */
  readonly asOf: string | null;
  /** The rows whose trees these are: that of the id, or of a tick the bars that it is in. */
  readonly by: readonly string[];
  readonly traces: readonly Trace[];
  /** Whether there are more trees than these. */
  readonly more: boolean;
}

/**
 * @param text an id, or its first four digits or more
 * @param asOf what the broker had by then: ISO 8601; null is now
 * @throws TradetapeError input_invalid where it is no id, or several begin so
 */
export async function findTrees(connection: Connection, text: string, asOf: string | null): Promise<Trees> {
  const [low, high] = idRange(text);
  const known = asOf ?? "infinity";
  const found = await findTraced(connection, low, high);
  if (found.length > 1) throw ambiguous(text, found);
  const [traced] = found;
  if (traced === undefined) return { id: text, kind: null, asOf, by: [], traces: [], more: false };
  const by = traced.kind === "tick" ? await barsHolding(connection, traced) : [traced];
  const ids = new Set<string>();
  for (const one of by) for (const id of await tracesOf(connection, one, known, TRACES_MAX + 1)) ids.add(id);
  const traces = await tracesBy(connection, [...ids].slice(0, TRACES_MAX), known);
  const { id, kind } = traced;
  return { id, kind, asOf, by: by.map(({ id }) => id), traces, more: ids.size > TRACES_MAX };
}

/** The smallest and the largest id that begin so. @throws TradetapeError input_invalid */
function idRange(text: string): [low: string, high: string] {
  const digits = text.toLowerCase().replaceAll("-", "");
  if (!/^[0-9a-f]{4,32}$/.test(digits))
    throw new TradetapeError("input_invalid", `the id ${JSON.stringify(text)} can't be used`, {
      next: "It can be: an id, or its first four digits or more.",
    });
  const filled = (digit: string) =>
    digits.padEnd(32, digit).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return [filled("0"), filled("f")];
}

const ambiguous = (text: string, found: readonly Traced[]): TradetapeError =>
  new TradetapeError("input_invalid", `${found.length} ids or more begin with ${text}`, {
    next: `Say more of it: ${found.map(({ kind, id }) => `${kind} ${id}`).join(", ")}.`,
  });

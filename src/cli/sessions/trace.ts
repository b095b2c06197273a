import { TradetapeError } from "../../errors.ts";
import { type Trace, type TraceStep, tracesBy } from "../../table/sessions/lineage.ts";
import { barsHolding, findTraced, type Traced, tracesOf } from "../../table/sessions/traced.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { timeOf, wrong } from "../flags.ts";
import { printable, table } from "../output.ts";
import { asReader } from "../services.ts";

/** A bar may be known to any number of decisions; a person reads some. */
const TRACES_MAX = 5;

interface Flags {
  readonly asOf?: string;
}

export const traceCommand: CommandSpec<Flags> = {
  name: "trace",
  summary: "why it was bought: what was known, prediction, decision, fills and audit entries, as one tree",
  examples: [
    "tradetape trace 4f3dece8-f808-5de9-b1e9-ffd50a02b802    of a fill, decision, prediction, audit entry, bar or tick",
    "tradetape trace 4f3dece8                                its first digits, while no other id begins so",
    "tradetape trace 4f3dece8 --as-of 2026-07-01T14:30Z      what the broker had by then, and no more",
  ],
  declare: (command) => {
    command.argument("<id>", "whole, or its first four digits or more");
    command.option(
      "--as-of <time>",
      "as it was known then: 2026-07-01, 2026-07-01T14:30Z (UTC without a zone), 90m, 6h, 7d",
    );
  },
  run: async ({ config, out }, [text = ""], flags) => {
    const [low, high] = idRange(text);
    const asOf = timeOf("--as-of", flags.asOf, Date.now());
    const known = asOf ?? "infinity";
    const result = await asReader(config, "trace", async (connection): Promise<Found> => {
      const found = await findTraced(connection, low, high);
      if (found.length > 1) throw ambiguous(text, found);
      const [traced] = found;
      if (traced === undefined) return { id: text, kind: null, asOf: asOf ?? null, by: [], traces: [], more: false };
      const by = traced.kind === "tick" ? await barsHolding(connection, traced) : [traced];
      const ids = new Set<string>();
      for (const one of by) for (const id of await tracesOf(connection, one, known, TRACES_MAX + 1)) ids.add(id);
      const traces = await tracesBy(connection, [...ids].slice(0, TRACES_MAX), known);
      const { id, kind } = traced;
      return { id, kind, asOf: asOf ?? null, by: by.map(({ id }) => id), traces, more: ids.size > TRACES_MAX };
    });
    out.result(result, () => traceText(result));
    return result.traces.length > 0 ? EXIT.good : EXIT.foundWrong;
  },
};

/** The smallest and the largest id that begin so. @throws TradetapeError input_invalid */
function idRange(text: string): [low: string, high: string] {
  const digits = text.toLowerCase().replaceAll("-", "");
  if (!/^[0-9a-f]{4,32}$/.test(digits))
    throw wrong(`the id ${JSON.stringify(text)}`, "an id, or its first four digits or more");
  const filled = (digit: string) =>
    digits.padEnd(32, digit).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return [filled("0"), filled("f")];
}

const ambiguous = (text: string, found: readonly Traced[]): TradetapeError =>
  new TradetapeError("input_invalid", `${found.length} ids or more begin with ${text}`, {
    next: `Say more of it: ${found.map(({ kind, id }) => `${kind} ${id}`).join(", ")}.`,
  });

interface Found {
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

function traceText({ id, kind, asOf, by, traces, more }: Found): string {
  if (kind === null) {
    return `nothing that landed has the id ${id}: no fill, decision, prediction, audit entry, bar, indicator, tick or quote`;
  }
  const then = asOf === null ? "" : `as of ${asOf}, `;
  if (traces.length === 0) return `${then}no decision or prediction rests on the ${kind} ${id}`;
  const shown = traces.map(({ steps }) => treeText(steps, by));
  if (more) shown.push(`there are more: these are the first ${TRACES_MAX}`);
  return shown.join("\n\n");
}

const HEAD = ["", "event time", "published", "landed", "what"];

/** The tree from its roots: what was known, then the prediction (or a decision without one) with all that followed. */
function treeText(steps: readonly TraceStep[], asked: readonly string[]): string {
  const ids = new Set(steps.map(({ id }) => id));
  const rows: string[][] = [];
  const walk = (step: TraceStep, indent: string, branch: string) => {
    const { id, timestamp, publishedAt, landedAt, note } = step;
    const mark = asked.includes(id) ? " <" : "";
    const what = `${printable(step.what)}${note === null ? "" : ` [${note}]`}`;
    rows.push([
      `${indent}${branch}${step.step} ${id.slice(0, 8)}${mark}`,
      timestamp ?? "-",
      publishedAt ?? "-",
      landedAt ?? "-",
      what,
    ]);
    const below = steps.filter(({ parentId }) => parentId === id);
    const deeper = branch === "" ? indent : `${indent}${branch === "└─ " ? "   " : "│  "}`;
    for (const [i, child] of below.entries()) walk(child, deeper, i === below.length - 1 ? "└─ " : "├─ ");
  };
  for (const root of steps.filter(({ parentId }) => parentId === null || !ids.has(parentId))) walk(root, "", "");
  return table(HEAD, rows);
}

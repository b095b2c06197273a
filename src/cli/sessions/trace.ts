import { TradetapeError } from "../../errors.ts";
import { findTraced, type Traced, type TraceStep, traceSteps, tracesOf } from "../../table/sessions/lineage.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wrong } from "../flags.ts";
import { printable, table } from "../output.ts";
import { asReader } from "../services.ts";

interface Trace {
  readonly traceId: string;
  readonly steps: readonly TraceStep[];
}

/** A bar may be known to any number of decisions; a person reads some. */
const TRACES_MAX = 20;

export const traceCommand: CommandSpec<object> = {
  name: "trace",
  summary: "why it was bought: what was known, prediction, decision, fills and audit entries, as one tree",
  examples: [
    "tradetape trace 4f3dece8-f808-5de9-b1e9-ffd50a02b802    of a fill, decision, prediction, bar or indicator",
    "tradetape trace 4f3dece8                                its first digits, while no other id begins so",
  ],
  declare: (command) => {
    command.argument("<id>", "whole, or its first four digits or more");
  },
  run: async ({ config, out }, [text = ""]) => {
    const [low, high] = idRange(text);
    const { traced, traces, more } = await asReader(config, "trace", async (connection) => {
      const found = await findTraced(connection, low, high);
      if (found.length > 1) throw ambiguous(text, found);
      const [traced] = found;
      if (traced === undefined) return { traced, traces: [], more: false };
      const ids = await tracesOf(connection, traced, TRACES_MAX + 1);
      const traces: Trace[] = [];
      for (const traceId of ids.slice(0, TRACES_MAX)) {
        traces.push({ traceId, steps: await traceSteps(connection, traceId) });
      }
      return { traced, traces, more: ids.length > TRACES_MAX };
    });
    const result = { id: traced?.id ?? text, kind: traced?.kind ?? null, traces, more };
    out.result(result, () => traceText(result));
    return traces.length > 0 ? EXIT.good : EXIT.foundWrong;
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
  readonly traces: readonly Trace[];
  /** Whether there are more trees than these. */
  readonly more: boolean;
}

function traceText({ id, kind, traces, more }: Found): string {
  if (kind === null) return `nothing that landed has the id ${id}: no fill, decision, prediction, bar or indicator`;
  if (traces.length === 0) return `no decision or prediction rests on the ${kind} ${id}`;
  const shown = traces.map(({ steps }) => treeText(steps, id));
  if (more) shown.push(`there are more: these are the first ${TRACES_MAX}`);
  return shown.join("\n\n");
}

const HEAD = ["", "event time", "published or revised", "landed", "what"];

/** The tree from its roots: what was known, then the prediction (or a decision without one) with all that followed. */
function treeText(steps: readonly TraceStep[], asked: string): string {
  const ids = new Set(steps.map(({ id }) => id));
  const rows: string[][] = [];
  const walk = (step: TraceStep, indent: string, branch: string) => {
    const { id, timestamp, publishedAt, revisedAt, landedAt, note } = step;
    const mark = id === asked ? " <" : "";
    const what = `${printable(step.what)}${note === null ? "" : ` [${note}]`}`;
    rows.push([
      `${indent}${branch}${step.step} ${id.slice(0, 8)}${mark}`,
      timestamp,
      publishedAt ?? revisedAt ?? "-",
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

import type { TraceStep } from "../../table/sessions/lineage.ts";
import { findTrees, type Trees } from "../../table/sessions/trees.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { timeOf } from "../flags.ts";
import { printable, table } from "../output.ts";
import { asReader } from "../services.ts";

interface Flags {
  readonly asOf?: string;
}

export const traceCommand: CommandSpec<Flags> = {
  name: "trace",
  summary:
    "why it was bought: what was known, prediction, decision, calls of models, fills and audit entries, as one tree",
  examples: [
    "tradetape trace 4f3dece8-f808-5de9-b1e9-ffd50a02b802    of a fill, decision, prediction, call, audit entry, bar or tick",
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
    const asOf = timeOf("--as-of", flags.asOf, Date.now()) ?? null;
    const result = await asReader(config, "trace", (connection) => findTrees(connection, text, asOf));
    out.result(result, () => traceText(result));
    return result.traces.length > 0 ? EXIT.good : EXIT.foundWrong;
  },
};

function traceText({ id, kind, asOf, by, traces, more }: Trees): string {
  if (kind === null) {
    return `nothing that landed has the id ${id}: no fill, decision, prediction, call, audit entry, bar, indicator, tick, quote`;
  }
  const then = asOf === null ? "" : `as of ${asOf}, `;
  if (traces.length === 0) return `${then}no decision or prediction rests on the ${kind} ${id}`;
  const shown = traces.map(({ steps }) => treeText(steps, by));
  if (more) shown.push(`there are more: these are the first ${traces.length}`);
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

import { TradetapeError } from "../../errors.ts";
import { type InputCounts, inputCounts, type ToldInput, toldInputs } from "../../table/desk/inputs.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { uuidOf } from "../flags.ts";
import { printable, table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { declareScope, readScope, type ScopeFlags } from "./desk-flags.ts";
import { nothing, shortId } from "./desk-text.ts";

export const inputsCommand: CommandSpec<ScopeFlags> = {
  name: "inputs",
  summary: "what a decision says it was made of, itself or by its prediction; without an id, how many decisions say so",
  examples: [
    "tradetape desk inputs 4f3dece8-f808-5de9-b1e9-ffd50a02b802",
    "tradetape desk inputs --strategy momentum --since 7d",
    "tradetape trace 4f3dece8    what could be known then, whether it was named or not",
  ],
  declare: (command) => {
    command.argument("[decision]", "a decision's id, whole");
    declareScope(command, "strategy");
  },
  run: async ({ config, out }, [text], flags) => {
    if (text !== undefined) {
      refuseScope(flags);
      const decision = uuidOf("the decision", text, "a decision's id, whole");
      const inputs = await asReader(config, "desk", (connection) => toldInputs(connection, decision));
      out.result({ decision, inputs }, () => inputsText(decision, inputs));
      return inputs.length > 0 ? EXIT.good : EXIT.foundWrong;
    }
    const { scope, strategies } = await asReader(config, "desk", async (connection) => {
      const scope = await readScope(connection, flags);
      return { scope, strategies: await inputCounts(connection, scope) };
    });
    out.result({ strategies }, () =>
      strategies.length === 0 ? nothing("decisions", scope.session) : countsText(strategies),
    );
    return EXIT.good;
  },
};

/** @throws TradetapeError input_invalid where flags say which decisions, beside the id of one */
function refuseScope(flags: ScopeFlags): void {
  const said = (["session", "strategy", "symbol", "since", "until"] as const).find((name) => flags[name] !== undefined);
  if (said === undefined) return;
  throw new TradetapeError("input_invalid", `--${said} says which decisions are counted, and one decision is named`, {
    next: `Leave out --${said}, or the decision's id.`,
  });
}

function inputsText(decision: string, inputs: readonly ToldInput[]): string {
  if (inputs.length === 0) return `neither the decision ${decision} nor its prediction names an input`;
  const shown = (text: string | null) => (text === null ? null : printable(text));
  const rows = inputs.map(({ toldBy, kind, id, value, knownAt }) => [
    toldBy,
    shown(kind),
    shown(id),
    shown(value),
    knownAt,
  ]);
  return table(["named by", "kind", "id", "value", "known at"], rows);
}

function countsText(strategies: readonly InputCounts[]): string {
  const rows = strategies.map(({ strategyId, decisions, naming, knownUntil, digest, kinds }) => [
    ...[shortId(strategyId), decisions, naming, knownUntil, digest],
    Object.entries(kinds)
      .map(([kind, items]) => `${printable(kind)} ${count(items)}`)
      .join(", ") || null,
  ]);
  return table(["strategy", "decisions", "name inputs", "known until", "digest", "inputs"], rows);
}

import { type Latency, latencies, type Slippage, slippages } from "../../table/desk/execution.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { figure, money, printable, table } from "../output.ts";
import { asReader } from "../services.ts";
import { declareScope, readScope, type ScopeFlags } from "./desk-flags.ts";
import { nothing, shortId } from "./desk-text.ts";

export const latencyCommand: CommandSpec<ScopeFlags> = {
  name: "latency",
  summary: "how long each step from prediction to landed report took, as percentiles in milliseconds",
  examples: ["tradetape desk latency --since 1d", "tradetape desk latency --strategy momentum --json"],
  declare: (command) => declareScope(command, "strategy"),
  run: async ({ config, out }, _args, flags) => {
    const { scope, steps } = await asReader(config, "desk", async (connection) => {
      const scope = await readScope(connection, flags);
      return { scope, steps: await latencies(connection, scope) };
    });
    out.result({ steps }, () => (steps.length === 0 ? nothing("decisions", scope.session) : latencyText(steps)));
    return EXIT.good;
  },
};

function latencyText(steps: readonly Latency[]): string {
  const rows = steps.map(({ step, events, min, p50, p90, p99, max }) => [
    ...[step, events],
    ...[min, p50, p90, p99, max].map((ms) => figure(ms)),
  ]);
  return table(["step, ms", "events", "min", "p50", "p90", "p99", "max"], rows);
}

export const slippageCommand: CommandSpec<ScopeFlags & { readonly source?: string }> = {
  name: "slippage",
  summary: "what fills cost against the price that the agent saw, and against the middle of the quotes of that moment",
  examples: ["tradetape desk slippage --since 30d", "tradetape desk slippage --source consolidated --symbol IBM"],
  declare: (command) => {
    declareScope(command, "strategy");
    command.option("--source <name>", "the quotes' source; without it the latest quote of any, counted by its source");
  },
  run: async ({ config, out }, _args, flags) => {
    const { scope, costs } = await asReader(config, "desk", async (connection) => {
      const scope = await readScope(connection, flags);
      return { scope, costs: await slippages(connection, scope, flags.source ?? null) };
    });
    out.result({ costs }, () =>
      costs.length === 0 ? nothing("fills with a price to compare with", scope.session) : slippageText(costs),
    );
    return EXIT.good;
  },
};

function slippageText(costs: readonly Slippage[]): string {
  const rows = costs.map((c) => [
    ...[
      shortId(c.strategyId),
      printable(c.symbol),
      c.against,
      c.source === null ? null : printable(c.source),
      c.orders,
    ],
    ...[money(c.money), ...[c.bps, c.p50, c.p95].map((value) => figure(value))],
  ]);
  return table(["strategy", "symbol", "against", "source", "orders", "money", "bps", "p50", "p95"], rows);
}

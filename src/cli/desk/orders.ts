import {
  type HeldOrders,
  heldOrders,
  type OrderState,
  orderStates,
  type WaitingOrder,
  waitingOrders,
} from "../../table/desk/orders.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wholeFlag } from "../flags.ts";
import { figure, money, printable, table } from "../output.ts";
import { asReader } from "../services.ts";
import { declareBars, declareScope, type PriceFlags, readScope, type ScopeFlags, toldBars } from "./desk-flags.ts";
import { nothing, shortId } from "./desk-text.ts";

export const ordersCommand: CommandSpec<ScopeFlags & { readonly limit: string }> = {
  name: "orders",
  summary: "what became of orders: filled of what was ordered, in parts, rejected, canceled, refused, still open",
  examples: ["tradetape desk orders --since 1d", "tradetape desk orders --strategy momentum --limit 100"],
  declare: (command) => {
    declareScope(command, "strategy");
    command.option("--limit <n>", "how many orders that no report has ended are listed, the oldest first", "20");
  },
  run: async ({ config, out }, _args, flags) => {
    const rowsMax = wholeFlag("--limit", flags.limit, 0)!;
    const { scope, states, waiting } = await asReader(config, "desk", async (connection) => {
      const scope = await readScope(connection, flags);
      const states = await orderStates(connection, scope);
      return { scope, states, waiting: await waitingOrders(connection, scope, rowsMax) };
    });
    out.result({ states, waiting }, () =>
      states.length === 0 ? nothing("orders", scope.session) : ordersText(states, waiting),
    );
    return EXIT.good;
  },
};

function ordersText(states: readonly OrderState[], waiting: readonly WaitingOrder[]): string {
  const rows = states.map((s) => [
    ...[
      shortId(s.strategyId),
      s.state,
      s.orders,
      money(s.size),
      money(s.filled),
      figure(s.size === 0 ? null : s.filled / s.size),
    ],
    ...[s.fills, s.inParts, s.rejected, s.canceled],
  ]);
  const head = ["strategy", "state", "orders", "size", "filled", "share", "fills", "in parts", "rejected", "canceled"];
  const listed = waiting.map((o) => [
    o.at,
    shortId(o.strategyId),
    printable(o.symbol),
    o.action,
    money(o.size),
    money(o.filled),
    o.id,
  ]);
  const open =
    listed.length === 0
      ? []
      : ["", table(["open since", "strategy", "symbol", "", "size", "filled", "decision"], listed)];
  return [table(head, rows), ...open].join("\n");
}

export const refusedCommand: CommandSpec<ScopeFlags & PriceFlags & { readonly after: string }> = {
  name: "refused",
  summary:
    "orders that risk checks refused, by check, and what they would have earned, beside those that were approved",
  examples: ["tradetape desk refused --session 0198c5a4-...", "tradetape desk refused --after 20 --since 90d"],
  declare: (command) => {
    declareScope(command, "strategy");
    declareBars(command, "that they would have been held for");
    command.option("--after <bars>", "for how many bars: from the next open to the close of the last one", "5");
  },
  run: async ({ config, out }, _args, flags) => {
    const bars = { ...toldBars(flags), after: wholeFlag("--after", flags.after, 1)! };
    const { scope, checks } = await asReader(config, "desk", async (connection) => {
      const scope = await readScope(connection, flags);
      return { scope, checks: await heldOrders(connection, scope, bars) };
    });
    out.result({ interval: bars.interval, after: bars.after, checks }, () =>
      checks.length === 0 ? nothing("orders", scope.session) : refusedText(checks),
    );
    return EXIT.good;
  },
};

function refusedText(checks: readonly HeldOrders[]): string {
  const rows = checks.map((c) => [
    ...[shortId(c.strategyId), c.refusedBy === null ? `(${c.of})` : printable(c.refusedBy), c.orders, c.judged],
    ...[figure(c.meanReturn), figure(c.won), money(c.money)],
  ]);
  return table(["strategy", "refused by", "orders", "judged", "mean return", "won", "money"], rows);
}

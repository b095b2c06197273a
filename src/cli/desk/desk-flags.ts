import type { Command } from "commander";
import type { ToldBars } from "../../desk/accounts.ts";
import { TradetapeError } from "../../errors.ts";
import { isUuid } from "../../event/field/checks.ts";
import { strategyId } from "../../event/identity.ts";
import { toldInterval } from "../../feed/interval.ts";
import type { Connection } from "../../table/connection.ts";
import { type Scope, SYMBOLS_NAMED } from "../../table/desk/scope.ts";
import { timeOf, uuidOf } from "../flags.ts";

export interface ScopeFlags {
  readonly session?: string | undefined;
  readonly strategy?: string | undefined;
  readonly model?: string | undefined;
  readonly symbol?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** @param owner whose rows these are: of strategies, or of models */
export function declareScope(command: Command, owner: "strategy" | "model" | null): void {
  command.option("--session <id>", "the backtest or paper session that is asked about; without it: live trading");
  if (owner === "strategy") command.option("--strategy <name>", "of one strategy, by its name or its id");
  if (owner === "model") command.option("--model <version>", "of one model");
  command.option("--symbol <ticker>", "of one instrument, by its ticker or its id");
  command.option("--since <when>", "from then on: ISO 8601, or how long ago as 90m, 6h, 7d");
  command.option("--until <when>", "up to then, as --since");
}

/** @throws TradetapeError input_invalid when a value can't be read, or no such symbol has landed */
export async function readScope(connection: Connection, flags: ScopeFlags): Promise<Scope> {
  const { session, strategy, symbol, since, until } = flags;
  const nowMs = Date.now();
  return {
    session:
      session === undefined
        ? null
        : uuidOf("--session", session, "a whole id, as `tradetape sessions list` shows them"),
    owner: flags.model ?? (strategy === undefined ? null : strategyOf(strategy)),
    symbols: symbol === undefined ? null : await symbolsNamed(connection, symbol),
    since: timeOf("--since", since, nowMs) ?? null,
    until: timeOf("--until", until, nowMs) ?? null,
  };
}

const strategyOf = (text: string): string => (isUuid(text.toLowerCase()) ? text.toLowerCase() : strategyId(text));

async function symbolsNamed(connection: Connection, text: string): Promise<string[]> {
  const found = await connection.query<{ id: string }>(SYMBOLS_NAMED, [text]);
  if (found.length > 0) return found.map(({ id }) => id);
  throw new TradetapeError("input_invalid", `--symbol ${JSON.stringify(text)}: no such instrument has landed`, {
    next: "Write its ticker as the table symbol has it, or its symbol_id.",
  });
}

export interface PriceFlags {
  readonly interval: string;
  readonly source?: string;
}

/** Which bars give the prices. @param use what they are for */
export function declareBars(command: Command, use: string): void {
  command.option("--interval <length>", `the length of the bars ${use}`, "1d");
  command.option("--source <name>", "the source of those bars; without it that of the fills, orders or predictions");
}

/** @throws TradetapeError input_invalid unless it is a length of bars */
export const toldBars = ({ interval, source }: PriceFlags): ToldBars => ({
  interval: toldInterval(interval)!,
  source: source ?? null,
});

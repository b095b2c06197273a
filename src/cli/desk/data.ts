import type { Command } from "commander";
import { toldInterval } from "../../feed/interval.ts";
import { ZoneClock } from "../../feed/zone.ts";
import type { Scope } from "../../table/desk/scope.ts";
import {
  type FeedDelay,
  feedDelays,
  type Gap,
  gaps,
  MARKET_DATA_KINDS,
  type MarketDataKind,
  type Staleness,
  staleness,
} from "../../table/desk/series.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { timeOf, wholeFlag, wrong } from "../flags.ts";
import { figure, printable, table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { declareScope, readScope, type ScopeFlags } from "./desk-flags.ts";
import { nothing } from "./desk-text.ts";

export type DataFlags = ScopeFlags & { readonly kind?: string; readonly source?: string };

export function declareData(command: Command): void {
  declareScope(command, null);
  command.option("--source <name>", "of one source");
}

const declareKind = (command: Command) =>
  command.option("--kind <kind>", `${MARKET_DATA_KINDS.join(", ")}; without it all of them`);

function kindOf(text: string): MarketDataKind {
  const kind = MARKET_DATA_KINDS.find((one) => one === text);
  if (kind === undefined) throw wrong(`--kind ${text}`, MARKET_DATA_KINDS.join(", "));
  return kind;
}

const kindsOf = ({ kind }: DataFlags) => (kind === undefined ? MARKET_DATA_KINDS : [kindOf(kind)]);

/** Of market data the source is whose rows they are. */
export const ofSource = (scope: Scope, { source }: DataFlags): Scope => ({ ...scope, owner: source ?? null });

export const stalenessCommand: CommandSpec<DataFlags & { readonly at: string }> = {
  name: "staleness",
  summary: "the newest of each series of bars, ticks and quotes, and how old it is, the oldest first",
  examples: ["tradetape desk staleness --kind ticks --since 1d", "tradetape desk staleness --at 2024-03-05T21:00Z"],
  declare: (command) => {
    declareData(command);
    declareKind(command);
    command.option("--at <when>", "when the ages are asked", "0s");
  },
  run: async ({ config, out }, _args, flags) => {
    const at = timeOf("--at", flags.at, Date.now())!;
    const kinds = kindsOf(flags);
    const { scope, series } = await asReader(config, "desk", async (connection) => {
      const scope = ofSource(await readScope(connection, flags), flags);
      return { scope, series: await staleness(connection, scope, kinds, at) };
    });
    out.result({ at, series }, () => (series.length === 0 ? nothing("market data", scope.session) : staleText(series)));
    return EXIT.good;
  },
};

function staleText(series: readonly Staleness[]): string {
  const rows = series.map((s) => [
    ...[
      s.kind,
      printable(s.symbol),
      s.interval,
      printable(s.source),
      s.rows,
      s.newest,
      figure(s.ageS),
      figure(s.lengths, 3),
    ],
  ]);
  return table(["kind", "symbol", "interval", "source", "rows", "newest", "age, s", "in bars"], rows);
}

export const feedDelayCommand: CommandSpec<DataFlags> = {
  name: "feed-delay",
  summary:
    "how long after its time the feed handed an event over, as percentiles in milliseconds; of a bar after its end",
  examples: ["tradetape desk feed-delay --since 1d", "tradetape desk feed-delay --kind quotes --symbol IBM"],
  declare: (command) => {
    declareData(command);
    declareKind(command);
  },
  run: async ({ config, out }, _args, flags) => {
    const kinds = kindsOf(flags);
    const { scope, delays } = await asReader(config, "desk", async (connection) => {
      const scope = ofSource(await readScope(connection, flags), flags);
      return { scope, delays: await feedDelays(connection, scope, kinds) };
    });
    out.result({ delays }, () => (delays.length === 0 ? nothing("market data", scope.session) : delaysText(delays)));
    return EXIT.good;
  },
};

function delaysText(delays: readonly FeedDelay[]): string {
  const rows = delays.map(({ kind, interval, source, rows, told, min, p50, p90, p99, max }) => [
    ...[kind, interval, printable(source), rows, told],
    ...[min, p50, p90, p99, max],
  ]);
  return table(["kind", "interval", "source", "rows", "told", "min, ms", "p50", "p90", "p99", "max"], rows);
}

type GapFlags = DataFlags & {
  readonly kind: string;
  readonly interval: string;
  readonly tz: string;
  readonly limit: string;
};

export const gapsCommand: CommandSpec<GapFlags> = {
  name: "gaps",
  summary: "times in which a series has nothing though it has something then in most weeks, the longest first",
  examples: [
    "tradetape desk gaps --interval 1min --tz America/New_York    a market's hours by its own clock",
    "tradetape desk gaps --kind ticks --interval 1h --since 30d   hours without a trade",
  ],
  declare: (command) => {
    declareData(command);
    command.option("--kind <kind>", MARKET_DATA_KINDS.join(", "), "bars");
    command.option("--interval <length>", "the bars' length; of ticks and quotes the length that is looked at", "1d");
    command.option("--tz <zone>", "the zone by whose clock a week looks like the next one", "UTC");
    command.option("--limit <n>", "how many are listed", "20");
  },
  run: async ({ config, out }, _args, flags) => {
    const slots = { kind: kindOf(flags.kind), interval: weekPart(flags.interval), zone: new ZoneClock(flags.tz).name };
    const rowsMax = wholeFlag("--limit", flags.limit, 0)!;
    const found = await asReader(config, "desk", async (connection) =>
      gaps(connection, ofSource(await readScope(connection, flags), flags), slots),
    );
    const result = { basis: "usual week", ...slots, count: found.length, gaps: found.slice(0, rowsMax) };
    out.result(result, () => gapsText(found, rowsMax));
    return EXIT.good;
  },
};

/** @throws TradetapeError input_invalid unless a week can be cut into such lengths */
function weekPart(text: string): string {
  const name = toldInterval(text)!;
  if (/^\d+(s|min|h)$|^1d$/.test(name)) return name;
  throw wrong(`--interval ${text}`, "up to 1d: longer bars aren't the same in every week");
}

function gapsText(found: readonly Gap[], rowsMax: number): string {
  const rows = found
    .slice(0, rowsMax)
    .map((g) => [printable(g.symbol), printable(g.source), g.from, g.until, g.missing, g.weeks]);
  const all = `gaps: ${count(found.length)}, by what each series has in more than half of its weeks`;
  if (rows.length === 0) return all;
  return [table(["symbol", "source", "from", "until", "missing", "weeks known"], rows), all].join("\n");
}

import { Hono } from "hono";
import { z } from "zod";
import { candleSeries, readCandles } from "../table/desk/candles.ts";
import { findSymbols, readMarks, sessionsOfSymbol, symbolsNamed } from "../table/desk/marks.ts";
import { findTrees } from "../table/sessions/trees.ts";
import { misread, refused } from "./guard.ts";
import type { Reader } from "./reader.ts";

const TEXT_CHARS_MAX = 200;
const Text = z.string().max(TEXT_CHARS_MAX);
const Id = z.guid();
/** Empty is no session: live trading. */
const Session = z.union([Id, z.literal("").transform(() => null)]);
const Time = z.iso.datetime();
const INTERVAL = /^[1-9][0-9]{0,3}(s|min|h|d|w|mo)$/;

/** Lengths that ticks are put together to; months and weeks have no fixed place on a clock. */
const TICK_INTERVALS = ["1s", "5s", "15s", "1min", "5min", "15min", "1h", "4h", "1d"];

const OfSymbol = z.object({ symbol: Text, session: Session });
const Window = z
  .object({
    symbol: Id,
    session: Session,
    kind: z.enum(["bars", "ticks"]),
    interval: z.string().regex(INTERVAL),
    source: Text,
    until: Time,
    /** Whether marks behind the last candle are shown, too: a decision follows the candle that it knew. */
    latest: z.enum(["true", "false"]),
  })
  .refine(({ kind, interval }) => kind === "bars" || TICK_INTERVALS.includes(interval), {
    path: ["interval"],
    message: `of ticks it is one of ${TICK_INTERVALS.join(", ")}`,
  });

/** `/api/market`: instruments, what there is of one, and its candles with what was predicted, decided and executed. */
export function marketRoutes(reader: Reader): Hono {
  const app = new Hono();
  app.get("/symbols", async (c) => {
    const begin = Text.safeParse(c.req.query("begin") ?? "");
    if (!begin.success) return c.json(misread(begin.error), 400);
    return c.json(await reader.ask((connection) => findSymbols(connection, begin.data)));
  });
  app.get("/of", async (c) => {
    const asked = OfSymbol.safeParse(c.req.query());
    if (!asked.success) return c.json(misread(asked.error), 400);
    const { symbol: name, session } = asked.data;
    const found = await reader.ask((connection) => symbolsNamed(connection, name));
    const [symbol] = found;
    if (symbol === undefined) return c.json(refused("not_found", `no symbol is called ${name}`), 404);
    if (found.length > 1) {
      const ids = found.map(({ id, exchange }) => `${exchange ?? "no exchange"} ${id}`).join(", ");
      return c.json(refused("input_invalid", `${found.length} symbols are called ${name}`, `Take an id: ${ids}.`), 400);
    }
    return c.json({
      symbol,
      series: await reader.ask((connection) => candleSeries(connection, symbol.id, session)),
      sessions: await reader.ask((connection) => sessionsOfSymbol(connection, symbol.id)),
      tickIntervals: TICK_INTERVALS,
    });
  });
  app.get("/candles", async (c) => {
    const asked = Window.safeParse(c.req.query());
    if (!asked.success) return c.json(misread(asked.error), 400);
    const { symbol: symbolId, session: sessionId, latest, ...of } = asked.data;
    const drawn = await reader.ask((connection) => readCandles(connection, { symbolId, sessionId, ...of }));
    const until = latest === "true" ? "infinity" : of.until;
    const window = { symbolId, sessionId, since: drawn.since, until };
    return c.json({ ...drawn, marks: await reader.ask((connection) => readMarks(connection, window)) });
  });
  return app;
}

/** What PostgreSQL keeps of a time: microseconds, of a year that there was. */
const Moment = z
  .string()
  .refine((text) => Time.safeParse(text).success && /(:\d\d|\.\d{1,6})Z$/.test(text) && !text.startsWith("0000"), {
    message: "is no time in UTC, such as 2024-03-05T14:30:00Z or, to the microsecond, 2024-03-05T14:30:00.000001Z",
  });

/** `/api/trace`: the trees that an id is part of, as they were known at a time where one is given. */
export function traceRoutes(reader: Reader): Hono {
  const Asked = z.object({
    id: z.string().max(TEXT_CHARS_MAX),
    asOf: Moment.or(z.literal("")).transform((text) => text || null),
  });
  const app = new Hono();
  app.get("/", async (c) => {
    const asked = Asked.safeParse(c.req.query());
    if (!asked.success) return c.json(misread(asked.error), 400);
    return c.json(await reader.ask((connection) => findTrees(connection, asked.data.id, asked.data.asOf)));
  });
  return app;
}

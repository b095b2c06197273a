import { Hono } from "hono";
import { z } from "zod";
import { readAccounts } from "../desk/accounts.ts";
import { isoDate } from "../event/day.ts";
import { portfolioOf } from "../strategy/portfolio.ts";
import type { Connection } from "../table/connection.ts";
import { compareDecisions, sessionTotals } from "../table/sessions/session-diff.ts";
import { listSessions, readSession, sessionPerformance } from "../table/sessions/session-list.ts";
import { misread, refused } from "./guard.ts";
import type { Reader } from "./reader.ts";

const SESSIONS_MAX = 200;
/** Decisions that differ, the first of them. */
const PAIRS_MAX = 100;
/** As `tradetape desk equity` has it where nothing else is said: the days' last closes mark what is held. */
const MARKED_BY = { interval: "1d", source: null };

/** Of more fills the equity isn't made here: that would hold up everybody who looks. */
const FILLS_MAX = 20_000;

/** `/api/sessions`: the sessions, and two of them beside each other with their equity. */
export function sessionRoutes(reader: Reader): Hono {
  const Two = z.object({ a: z.guid(), b: z.guid() });
  const app = new Hono();
  app.get("/", async (c) => {
    const withDeleted = c.req.query("all") === "true";
    return c.json(await reader.ask((connection) => listSessions(connection, withDeleted, SESSIONS_MAX)));
  });
  app.get("/diff", async (c) => {
    const asked = Two.safeParse(c.req.query());
    if (!asked.success) return c.json(misread(asked.error), 400);
    const { a, b } = asked.data;
    const sides = await reader.ask(async (connection) => ({
      a: await sideOf(connection, a),
      b: await sideOf(connection, b),
    }));
    for (const id of [a, b])
      if (sides[id === a ? "a" : "b"] === undefined)
        return c.json(refused("not_found", `no session ${id} has landed`), 404);
    const decisions = await reader.ask((connection) => compareDecisions(connection, a, b, PAIRS_MAX));
    return c.json({ ...sides, decisions });
  });
  return app;
}

async function sideOf(connection: Connection, id: string) {
  const session = await readSession(connection, id);
  if (session === undefined) return undefined;
  const totals = await sessionTotals(connection, id);
  return {
    session,
    totals,
    performance: await sessionPerformance(connection, id),
    /** Null where there is too much to make them of. */
    curves: totals.fills > FILLS_MAX ? null : await equityOf(connection, id),
  };
}

/** What each strategy had made by the end of each UTC day; null where a position has no price. */
async function equityOf(connection: Connection, session: string) {
  const scope = { session, owner: null, symbols: null, since: null, until: null };
  const strategies = await readAccounts(connection, scope, MARKED_BY);
  return strategies.map(({ strategyId, accounts }) => {
    const { days } = portfolioOf(accounts.map(({ account }) => account));
    return { strategyId, days: days.map(({ day, pnl }) => ({ day: isoDate(day), pnl })) };
  });
}

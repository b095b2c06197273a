import { Hono } from "hono";
import type { ReplayPlan } from "../replay/replay-plan.ts";
import { progressOf } from "../replay/watch.ts";
import { nextOffsetsOf } from "../table/landing/landed.ts";
import { latestRuns } from "../table/upkeep/replay-run.ts";
import type { Reader } from "./reader.ts";

const RUNS_MAX = 20;

/** `/api/replays`: the replays into this database, and how far one is that runs. */
export function replayRoutes(reader: Reader): Hono {
  const app = new Hono();
  app.get("/", async (c) => {
    const runs = await reader.ask((connection) => latestRuns<ReplayPlan>(connection, RUNS_MAX));
    // Of a run that has ended the ledger would say how far what came after it has landed.
    const names = runs
      .filter(({ state }) => state !== "finished")
      .flatMap(({ plan }) => plan.topics.map(({ name }) => name));
    const next = await reader.ask((connection) => nextOffsetsOf(connection, names));
    const shown = runs.map(({ runId, state, whole, startedAt, finishedAt, plan, result }) => ({
      ...{ runId, state, whole, startedAt, finishedAt },
      topics: state === "finished" ? null : progressOf(plan, next),
      isGood: result === null ? null : (result as { readonly ok: boolean }).ok,
    }));
    return c.json(shown);
  });
  return app;
}

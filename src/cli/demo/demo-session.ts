import { DAY_US } from "../../event/day.ts";
import type { BarEvent, SessionEvent } from "../../event/events.ts";
import { idBy } from "../../event/identity.ts";
import { USUAL } from "../../strategy/indicators.ts";
import { MODEL_VERSION } from "../../strategy/model.ts";
import { PAPER } from "../../strategy/paper/paper-broker.ts";
import { POLICY } from "../../strategy/policy.ts";
import type { AgentRun } from "../programs/agent-run.ts";

const MIN_US = 60_000_000;

/** The id of the demo's session, of the model's version: the same model makes the same run. */
export function demoSessionId(modelVersion: string): string {
  return idBy("demo_session", ["demo", `${modelVersion} on the S&P 500`]);
}

/** The reference agent over the demo's daily bars: a backtest, so that everything carries its session. */
export const DEMO_RUN: AgentRun & { readonly session: string } = {
  actor: "demo-agent",
  strategy: MODEL_VERSION,
  session: demoSessionId(MODEL_VERSION),
  interval: "1d",
  intervals: [{ name: "1min", us: MIN_US }],
  days: null,
  latenessUs: 10 * MIN_US,
  seed: 1,
  outOfOrder: true,
  source: null,
  capital: null,
};

/** @param bars in the order of time; the session begins with the first one and ends two days behind the last */
export function demoSession(bars: readonly BarEvent[]): SessionEvent {
  const [first, last] = [bars[0], bars.at(-1)];
  const { interval, seed, outOfOrder } = DEMO_RUN;
  return {
    backtest_session_id: DEMO_RUN.session,
    kind: "backtest",
    name: "tradetape demo",
    status: "completed",
    code_version: MODEL_VERSION,
    config: JSON.stringify({ interval, indicators: USUAL, policy: POLICY, broker: { ...PAPER, seed, outOfOrder } }),
    data_set: first?.source ?? null,
    started_at: first?.timestamp ?? null,
    ended_at: last === undefined ? null : last.timestamp + 2 * DAY_US,
    result: null,
    revised_at: 0,
  };
}

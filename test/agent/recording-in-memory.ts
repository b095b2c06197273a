import { expect } from "vitest";
import { Agent, type AgentOptions } from "../../src/agent/agent.ts";
import type { RecordedCall } from "../../src/agent/cassette.ts";
import type { Recorder } from "../../src/agent/recorder.ts";
import { TradetapeError } from "../../src/errors.ts";
import type { CallEvent, ContentEvent } from "../../src/event/events.ts";
import { strategyId } from "../../src/event/identity.ts";
import { checkEvent } from "../../src/event/validate.ts";
import { idOf, NOON } from "../support/samples.ts";

export const BY = { actor: "llm-bot", modelVersion: "m-1", strategyId: strategyId("llm"), session: idOf("session") };
const AWAY = new TradetapeError("publish_refused", "no broker", { canRetry: true });

/** An agent whose events are kept here, by a broker that is there or away. */
export function recording(change: Partial<AgentOptions> = {}) {
  const calls: Required<CallEvent>[] = [];
  const contents = new Map<string, ContentEvent>();
  const said: string[] = [];
  const recorders: Recorder[] = [];
  const broker = { isAway: false, refused: 0 };
  const agent = new Agent(
    { ...BY, now: () => NOON, ...change },
    {
      publish: async () => {},
      publishRecord: async ({ topic, event }) => {
        if (broker.isAway) broker.refused++;
        if (broker.isAway) throw AWAY;
        expect(checkEvent(topic, event)).toBeNull();
        const told: object = event;
        if (topic === "calls") calls.push(told as Required<CallEvent>);
        else contents.set((told as ContentEvent).sha256, told as ContentEvent);
      },
      warn: (text) => said.push(text),
      atClose: (recorder) => recorders.push(recorder),
      records: {
        calls: async (session, actor) =>
          calls.filter((call) => call.backtest_session_id === session && call.actor === actor).map(recordedOf),
        join: async (_, pieces) => pieces.map((name) => contents.get(name)?.body).join(""),
      },
    },
  );
  const close = () => Promise.all(recorders.map((recorder) => recorder.close()));
  const whole = (text: string | null, pieces: readonly string[] | null) =>
    text ?? pieces!.map((name) => contents.get(name)!.body).join("");
  return { agent, calls, contents, said, broker, close, whole };
}

/** As the database gives it. */
const recordedOf = (call: Required<CallEvent>): RecordedCall => ({
  ...{ id: call.call_id, kind: call.kind, name: call.name, status: call.status, error: call.error },
  request: { whole: call.request, pieces: call.request_pieces },
  response: { whole: call.response, pieces: call.response_pieces },
  ...{ requestSha256: call.request_sha256, responseSha256: call.response_sha256, responseType: call.response_type },
});

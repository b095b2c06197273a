import { hash } from "node:crypto";
import type { Agent } from "../../../src/agent/agent.ts";
import { strategyId } from "../../../src/event/identity.ts";
import { openModelServer } from "../../agent/model-server.ts";
import { idOf, NOON, session } from "../../support/samples.ts";
import { openTapeWithSymbol, type Row, type TestTape } from "../../support/tape.ts";

export const KIB = 1024;

/** An agent that records, and the model that it asks. */
export interface RecordingAgent extends AsyncDisposable {
  readonly tape: TestTape;
  readonly agent: Agent;
  /** Asks the model, which says what it was asked. */
  readonly chat: (content: string) => Promise<{ readonly body: string; readonly answer: string }>;
  /** From then on nobody answers. */
  readonly stopModel: () => Promise<void>;
  /** The time of the next call. */
  readonly now: () => number;
}

export async function openRecordingAgent(): Promise<RecordingAgent> {
  const tape = await openTapeWithSymbol();
  await tape.publish("sessions", session());
  const server = await openModelServer(({ body }, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ echo: body, usage: { prompt_tokens: 7, completion_tokens: 2 } }));
  });
  let now = NOON;
  const by = { actor: "llm-bot", modelVersion: "m-1", strategyId: strategyId("llm"), session: idOf("session") };
  const agent = tape.agent({ ...by, now: () => now++ });
  return {
    ...{ tape, agent, now: () => now },
    chat: async (content) => {
      const body = JSON.stringify({ model: "m-1", messages: [{ role: "user", content }] });
      const response = await agent.record()(`${server.url}/v1/chat/completions`, { method: "POST", body });
      return { body, answer: await response.text() };
    },
    stopModel: async () => server[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: async () => {
      if (server.isOpen()) await server[Symbol.asyncDispose]();
      await tape.stop();
    },
  };
}

/** Words that don't repeat, so that nothing is small because it was compressed. */
export const textOf = (seed: string, bytes: number): string =>
  Array.from({ length: Math.ceil(bytes / 64) }, (_, n) => hash("sha256", `${seed} ${n}`))
    .join("")
    .slice(0, bytes);

/** SQL; a body, put together again. */
const whole = (name: string) => `coalesce(c.${name}, (SELECT string_agg(t.body, '' ORDER BY p.n)
  FROM unnest(c.${name}_pieces) WITH ORDINALITY AS p (sha256, n)
  JOIN agent_content t ON t.sha256 = p.sha256 AND t.backtest_session_id IS NOT DISTINCT FROM c.backtest_session_id))`;

/** The row of the call that was made last, and its bodies. */
export async function newestCall(tape: TestTape): Promise<Row & { asked: string; answered: string }> {
  const rows = await tape.query<Row & { asked: string; answered: string }>(
    `SELECT c.*, ${whole("request")} AS asked, ${whole("response")} AS answered
     FROM agent_call c ORDER BY c."timestamp" DESC LIMIT 1`,
  );
  return rows[0]!;
}

/** What a model is asked and answers, of so many bytes, against the rows that it lands in. */
export async function askAndLand({ tape, agent, chat }: RecordingAgent, bytes: number) {
  const { body, answer } = await chat(textOf(`of ${bytes}`, bytes));
  const counts = await agent.recorded();
  const tallies = await tape.land("sessions", "contents", "calls");
  return { body, answer, counts, tallies, row: await newestCall(tape) };
}

/** As many calls of a tool, each with the same large context and one of ten questions. */
export async function repeatContext({ tape, agent }: RecordingAgent, calls: number) {
  const context = textOf("context", 200 * KIB);
  const answer = agent.tool("answer", (_context: string, _question: number) => "HOLD");
  for (let n = 0; n < calls; n++) {
    await answer(context, n % 10);
    // A model takes its time; without any, 64 MiB would wait after a moment.
    if (n % 100 === 99) await agent.recorded();
  }
  const counts = await agent.recorded();
  const tallies = await tape.land("sessions", "contents", "calls");
  const [kept] = await tape.query<{ rows: number; bytes: number }>(
    "SELECT count(*)::int AS rows, sum(octet_length(body))::int AS bytes FROM agent_content",
  );
  return { counts, tallies, kept: kept! };
}

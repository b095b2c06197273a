import { afterAll, beforeAll, expect, test } from "vitest";
import { idOf, NOON, SYMBOL_ID } from "../../support/samples.ts";
import { openRecordingAgent, type RecordingAgent, textOf } from "./recording-agent.ts";

const DECISIONS = 20;
/** Larger than what a call's own row holds. */
const CONTEXT = textOf("context", 40_000);

let own: RecordingAgent;
beforeAll(async () => {
  own = await openRecordingAgent();
});
afterAll(() => own[Symbol.asyncDispose]());

/** An agent that asks a model and a tool before each decision, and decides by what they say. */
async function run({ agent, chat }: RecordingAgent, changed?: number): Promise<void> {
  // Says something else each time that it is asked in earnest.
  const price = agent.tool("price", (n: number) => ({ n, price: Math.random() }));
  const position = agent.tool("position", () => price(-1));
  for (let n = 0; n < DECISIONS; n++) {
    const key = `d${n}`;
    await agent.think({ symbol_id: SYMBOL_ID, decision: key }, async () => {
      const { answer } = await chat(`${CONTEXT} ${n}${n === changed ? "!" : ""}`);
      const { price: last } = await price(n);
      const held = await position();
      const reason = `${answer.length} ${last} ${held.price}`;
      const size = 1 + last;
      await agent.decide(key, {
        symbol_id: SYMBOL_ID,
        timestamp: NOON + n,
        action: "BUY",
        size,
        approved: true,
        reason,
      });
    });
  }
}

test("a record has a session run again as it ran, names what differs, and answers it all once that is as it was", async () => {
  const { tape, agent } = own;
  await run(own);
  // Of each decision the model, two tools, and the tool within one of them.
  expect(await agent.recorded()).toEqual({ recorded: DECISIONS * 4, lost: 0, waiting: 0 });
  await tape.land();
  await own.stopModel();

  const counts = await agent.replay();
  await run(own);
  expect(counts()).toEqual({ answered: DECISIONS * 3, left: 0 });
  const tallies = await tape.land("decisions", "calls", "contents");
  // The same ids and the same content: another one would be a letter conflicting_duplicate.
  expect(tallies.decisions).toMatchObject({ read: DECISIONS, duplicate: DECISIONS, dead: 0 });
  expect([tallies.calls.read, tallies.contents.read]).toEqual([0, 0]);

  const late = await agent.replay(idOf("session"));
  const [call] = await tape.query<{ call_id: string }>(
    `SELECT call_id FROM agent_call WHERE kind = 'MODEL' ORDER BY "timestamp" OFFSET 12 LIMIT 1`,
  );
  await expect(run(own, 12)).rejects.toMatchObject({
    code: "replay_differs",
    message: expect.stringContaining(`call ${call!.call_id} of the record has another messages[0].content`),
  });
  expect(late()).toEqual({ answered: 36, left: 24 });
  await agent.replay();
  await run(own);
  expect((await tape.land("decisions")).decisions).toMatchObject({ written: 0, dead: 0 });
});

test("an answer of which a content is gone isn't made up", async () => {
  const { tape, agent } = own;
  await tape.query(
    "DELETE FROM agent_content WHERE sha256 = (SELECT response_pieces[1] FROM agent_call WHERE kind = 'MODEL' LIMIT 1)",
  );
  await agent.replay();
  await expect(run(own)).rejects.toMatchObject({
    code: "replay_differs",
    message: expect.stringContaining("a content of it isn't in the database"),
  });
});

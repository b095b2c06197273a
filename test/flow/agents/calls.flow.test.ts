import { hash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, NOON, SYMBOL_ID } from "../../support/samples.ts";
import type { Row } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";
import { verifiedTables } from "../audit/tampering.ts";
import { askAndLand, KIB, openRecordingAgent, type RecordingAgent, repeatContext } from "./recording-agent.ts";

let own: RecordingAgent;
beforeAll(async () => {
  own = await openRecordingAgent();
});
afterAll(() => own[Symbol.asyncDispose]());

describe("what was asked and answered", () => {
  test("takes its room once, however many calls send it: in the table, and in the topic", async () => {
    const { counts, tallies, kept } = await repeatContext(own, 60);
    expect(counts).toEqual({ recorded: 60, lost: 0, waiting: 0 });
    expect(tallies.calls).toMatchObject({ written: 60, dead: 0 });
    expect(tallies.contents).toMatchObject({ written: kept.rows, duplicate: 0 });
    // 200 KiB, and ten endings of 16 to 256 KiB.
    expect(kept.bytes).toBeLessThan(1000 * KIB);
  });

  test.each([10 * KIB, KIB * KIB])("of %i bytes is in the tables, byte by byte", async (bytes) => {
    const { body, answer, counts, tallies, row } = await askAndLand(own, bytes);
    expect(counts).toMatchObject({ lost: 0, waiting: 0 });
    expect(tallies).toMatchObject({ calls: { written: 1, dead: 0, parked: 0 }, contents: { dead: 0 } });
    expect([hash("sha256", row.asked), hash("sha256", row.answered)]).toEqual([
      hash("sha256", body),
      hash("sha256", answer),
    ]);
    expect(row).toMatchObject({
      ...{ request_sha256: hash("sha256", body), request_bytes: Buffer.byteLength(body), input_tokens: 7 },
      ...{ response_sha256: hash("sha256", answer), response_bytes: Buffer.byteLength(answer), output_tokens: 2 },
    });
  });

  test("is the same whenever it is sent: no letter", async () => {
    const { tape } = own;
    const content = { sha256: hash("sha256", "a text"), body: "a text", backtest_session_id: null };
    for (const timestamp of [NOON, NOON + 5]) await tape.publish("contents", { ...content, timestamp });
    expect((await tape.land("contents")).contents).toMatchObject({ written: 1, duplicate: 1, dead: 0 });
  });

  test("under a digest that isn't its own becomes a letter", async () => {
    const { tape } = own;
    const sha256 = hash("sha256", "one text");
    const content = {
      content_id: idOf("forged"),
      sha256,
      timestamp: NOON,
      body: "another text",
      backtest_session_id: null,
    };
    await expect(tape.publish("contents", content)).rejects.toThrow("sha256 must be the SHA-256 of body");
    await tape.raw("contents", [{ value: await tape.encode("contents", content) }]);
    expect((await tape.land("contents")).contents).toMatchObject({ written: 0, dead: 1 });
    expect(await tape.query("SELECT reason, detail FROM tradetape.dead_letter")).toEqual([
      expect.objectContaining({ detail: expect.stringContaining("sha256_of_body") }),
    ]);
  });
});

test("is shown by trace under the decision, with the audit entries' digests", async () => {
  const { tape, agent, chat, now } = own;
  const tool = agent.tool("price", (symbol: string) => `${symbol} 181.52`);
  const decision = await agent.think({ symbol_id: SYMBOL_ID, prediction: "p", decision: "d" }, async () => {
    await chat("BUY or SELL?");
    await tool("IBM");
    const prediction = await agent.predict("p", { symbol_id: SYMBOL_ID, timestamp: now(), probability_up: 0.6 });
    return agent.decide("d", { prediction, timestamp: now(), action: "BUY", size: 1, approved: true });
  });
  await agent.recorded();
  await tape.land();
  await tape.land("audit");
  const { code, stdout } = await tradetape(["trace", decision.decision_id], environmentOf(tape.config));
  expect(code).toBe(0);
  const [model, used] = await tape.query<{ call_id: string; request_sha256: string; response_sha256: string }>(
    'SELECT * FROM agent_call WHERE decision_id = $1 ORDER BY "timestamp"',
    [decision.decision_id],
  );
  const lines = stdout.split("\n");
  const of = (id: string) => lines.findIndex((line) => line.includes(` ${id.slice(0, 8)}`));
  const [decided, asked, priced] = [decision.decision_id, model!.call_id, used!.call_id].map(of);
  expect([decided! >= 0, asked! > decided!, priced! > asked!]).toEqual([true, true, true]);
  const depth = (line: number) => lines[line]!.search(/[a-z]/);
  expect([depth(asked!) - depth(decided!), depth(priced!) - depth(asked!)]).toEqual([3, 3]);
  for (const [line, { request_sha256, response_sha256 }] of [
    [asked!, model!],
    [priced!, used!],
  ] as const) {
    const [own, entry] = [
      lines[line]!,
      lines.slice(line).find((text) => /audit .*AGENT_CALL/.test(text) && text.includes(request_sha256.slice(0, 12)))!,
    ];
    for (const text of [own, entry])
      for (const sha of [request_sha256, response_sha256]) expect(text).toContain(sha.slice(0, 12));
  }
  // A call leads to the same tree.
  const json = async (id: string) =>
    JSON.parse((await tradetape(["trace", id, "--json"], environmentOf(tape.config))).stdout) as {
      kind: string;
      traces: Row[];
    };
  const [byCall, byDecision] = [await json(used!.call_id), await json(decision.decision_id)];
  expect(byCall).toMatchObject({ kind: "call", traces: byDecision.traces });
  // Before it was published it wasn't known.
  const early = await tradetape(["trace", used!.call_id, "--as-of", "2024-01-01"], environmentOf(tape.config));
  expect([early.code, early.stdout]).toEqual([
    1,
    expect.stringContaining("no decision or prediction rests on the call"),
  ]);
});

test("is what its log says, all of it", async () => {
  const { tape } = own;
  const report = await verifiedTables(tape);
  const isOurs = ({ table }: { table: string }) => ["agent_call", "agent_content"].includes(table);
  expect(report.entries.filter(isOurs)).toMatchObject([{ differing: 0, waiting: 0, findings: [] }]);
  expect(report.sums.filter(isOurs)).toMatchObject([{ differing: 0, claims: [] }]);
  expect(await ledgerFaults(tape)).toEqual([]);
});

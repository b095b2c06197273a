import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { strategyId } from "../../../src/event/identity.ts";
import { environmentOf } from "../../support/landing.ts";
import { bar, idOf, NOON, SYMBOL_ID, session } from "../../support/samples.ts";
import { ROOT } from "../../support/source-tree.ts";
import { openTapeWithSymbol, type Row, type TestTape } from "../../support/tape.ts";

const SESSION = idOf("session");
/** Times of trades within a bar that the sample has at another time. */
const UNTOLD = { first_trade_at: null, last_trade_at: null };
let tape: TestTape;
let client: Client;
let decisions: readonly string[];

/** A run of two decisions with a fill each. */
async function runOf(own: string | null): Promise<string[]> {
  const by = { actor: "bot", modelVersion: "m-1", strategyId: strategyId("asked"), session: own };
  const agent = tape.agent(by);
  const ids: string[] = [];
  for (const [n, reason] of ["probability 0.62 is over 0.55", "news of Earnings"].entries()) {
    const timestamp = NOON + n * 1_000_000;
    const prediction = await agent.predict(`${n}`, { symbol_id: SYMBOL_ID, timestamp, probability_up: 0.6 });
    const size = own === null ? 2 : 3;
    const taken = { action: "BUY", size, approved: true, reason } as const;
    const decision = await agent.decide(`${n}`, { prediction, timestamp, ...taken });
    const filled = { status: "FILLED", quantity: size, executed_price: 100, broker: "paper" } as const;
    await agent.fill(`${n}`, { decision, timestamp: timestamp + 1000, ...filled });
    ids.push(decision.decision_id);
  }
  return ids;
}

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await tape.publish("sessions", session());
  await tape.publish("bars", bar(1));
  decisions = await runOf(null);
  await runOf(SESSION);
  await tape.raw("fills", [{ value: Buffer.from("no event") }]);
  await tape.land();
  await tape.land("audit");
  client = new Client({ name: "test", version: "1" });
  const env = { PATH: process.env.PATH!, ...environmentOf(tape.config) } as Record<string, string>;
  const args = [`${ROOT}/src/cli/main.ts`, "mcp"];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: "inherit" }));
});
afterAll(async () => {
  await client?.close();
  await tape?.stop();
});

async function ask(name: string, given: Record<string, unknown> = {}): Promise<Row & { citations: readonly Row[] }> {
  const { content, isError } = await client.callTool({ name, arguments: given });
  const [{ text }] = content as [{ text: string }];
  expect([isError ?? false, text]).toEqual([false, expect.stringMatching(/^\{/)]);
  return JSON.parse(text) as Row & { citations: readonly Row[] };
}

describe("a client of the protocol", () => {
  test("finds the questions, each of which only reads, and none of which takes SQL", async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      ...["why", "as_of", "positions", "pnl", "compare_sessions", "letters", "lag", "search_decisions"],
    ]);
    for (const { annotations, inputSchema } of tools) {
      expect(annotations).toMatchObject({ readOnlyHint: true });
      expect(JSON.stringify(inputSchema)).not.toMatch(/sql/i);
    }
  });

  test("is told why, with citations that the log has", async () => {
    const { traces, citations } = await ask("why", { id: decisions[0] });
    expect(traces).toMatchObject([{ traceId: decisions[0] }]);
    expect(citations.map(({ kind }) => kind)).toEqual(["decision", "fill", "prediction"]);
    for (const { id, topic, partition, offset, entry } of citations) {
      const [row] = await tape.query(
        `SELECT payload -> 'event' AS event FROM audit_log WHERE log_id = $1 AND source_topic = $2
           AND source_partition = $3 AND source_offset = $4`,
        [(entry as { id: string }).id, topic, partition, offset],
      );
      expect(Object.values(row!.event as object)).toContain(id);
    }
  });

  test("is told what was known, what is held and what it made", async () => {
    const told = bar(1);
    const asked = (us: number) => ask("as_of", { symbol: "IBM", at: new Date(us / 1000).toISOString() });
    // Published now, and about 2024: what was known then is nothing, and what is known now is older than is looked back.
    expect((await asked(told.timestamp + 3_600_000_000)).bars).toEqual([]);
    const now = Date.now() * 1000;
    const close = bar(2, { timestamp: now - 7_200_000_000, ends_at: now - 3_600_000_000, interval: "1h", ...UNTOLD });
    await tape.publish("bars", close);
    await tape.land("bars");
    await tape.land("audit");
    const { bars } = await ask("as_of", { symbol: "IBM", at: "2099-01-01" });
    expect(bars).toEqual([]);
    expect((await asked(Date.now() * 1000 + 1_000_000)).bars).toMatchObject([
      { id: close.market_data_id, close: close.close },
    ]);
    for (const name of ["positions", "pnl"]) {
      const live = await ask(name);
      expect(live.accounts, name).toMatchObject([{ strategyId: strategyId("asked"), symbol: "IBM", position: 4 }]);
      expect((await ask(name, { session: SESSION })).accounts, name).toMatchObject([{ position: 6 }]);
    }
  });

  test("is told how two sessions differ, what became letters, and how late what is", async () => {
    const none = idOf("no session");
    const { totals, decisions: compared } = await ask("compare_sessions", { a: SESSION, b: none });
    expect([totals, compared]).toMatchObject([{ a: { decisions: 2, quantity: 6 }, b: { decisions: 0 } }, { onlyA: 2 }]);
    const { letters } = await ask("letters");
    expect(letters).toMatchObject([
      { topic: tape.name("fills"), letters: 1, open: 1, example: `${tape.name("fills")}/0/0` },
    ]);
    const { partitions } = await ask("lag");
    expect((partitions as Row[]).map(({ lag }) => lag)).toEqual((partitions as Row[]).map(() => 0));
  });

  test("finds decisions by the words of their reasons", async () => {
    const { decisions: found, citations } = await ask("search_decisions", { words: ["earnings", "NEWS"] });
    expect(found).toMatchObject([{ id: decisions[1], symbol: "IBM", action: "BUY", reason: "news of Earnings" }]);
    expect(citations).toMatchObject([{ kind: "decision", id: decisions[1], topic: tape.name("decisions") }]);
    expect((await ask("search_decisions", { words: ["%"] })).decisions).toEqual([]);
    expect((await ask("search_decisions", { session: SESSION })).decisions).toHaveLength(2);
  });

  test.each([
    ["why", { id: "zz" }],
    ["as_of", { symbol: "NOBODY", at: "1d" }],
    ["positions", { session: "nightly" }],
  ])("is refused %s of %o in a sentence, and may go on asking", async (name, given) => {
    const { content, isError } = await client.callTool({ name, arguments: given });
    expect([isError, (content as [{ text: string }])[0].text]).toEqual([
      true,
      expect.stringMatching(/^input_invalid: /),
    ]);
    expect((await ask("letters")).letters).toHaveLength(1);
  });
});

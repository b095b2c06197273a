import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import { idOf, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape, tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  tape = await openTestTape();
  const { TRADETAPE_LOG_LEVEL: _silent, ...others } = environmentOf(tape.config);
  env = others;
});
afterAll(() => tape.stop());

interface Line {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
  readonly [fact: string]: unknown;
}

/** Each line of standard error, which must be one of the log. */
function linesOf(stderr: string): readonly Line[] {
  const lines = stderr.split("\n").filter((text) => text !== "");
  const parsed = lines.map((text) => JSON.parse(text) as Line);
  for (const line of parsed) {
    expect(line).toMatchObject({ level: expect.any(Number), time: expect.any(Number), msg: expect.any(String) });
  }
  return parsed;
}

test("a consumer says in its log that it starts and how, what is its own, what it landed, and that it ends", async () => {
  const url = new URL(tape.config.databaseUrl);
  url.password ||= "not-asked-for";
  const consuming = startTradetape(["consume", "symbols"], { ...env, DATABASE_URL: url.href });
  const ids = Array.from({ length: 5 }, (_, n) => idOf(`LOGGED${n}`));
  await tape.publishAll(
    "symbols",
    ids.map((symbol_id, n) => symbol({ symbol_id, ticker: `LOGGED${n}` })),
  );
  const landed = async () => (await tape.query("SELECT 1 FROM symbol WHERE symbol_id = ANY ($1)", [ids])).length;
  await expect.poll(landed).toBe(5);
  consuming.process.kill("SIGTERM");
  const { code, stderr } = await consuming.ended;
  expect(code, stderr).toBe(0);
  const lines = linesOf(stderr);
  const line = (msg: string) => lines.find((one) => one.msg.startsWith(msg));
  expect(line("starts")).toMatchObject({
    version: expect.stringMatching(/^\d/),
    command: ["consume", "symbols"],
    settings: { DATABASE_URL: "(set)", TRADETAPE_NAMESPACE: tape.config.namespace },
  });
  expect(stderr).not.toContain(url.password);
  expect(line("partitions assigned")).toMatchObject({ topic: tape.name("symbols"), partitions: [0] });
  const sums = lines.filter(({ msg, topic }) => msg === "landed" && topic === "symbols");
  expect(sums.reduce((sum, { written }) => sum + Number(written), 0)).toBe(5);
  expect(line("SIGTERM")).toBeDefined();
  expect(lines.at(-1)).toMatchObject({ msg: "ends", exitCode: 0 });
});

test("what ends a service is a line of its log, too", async () => {
  const nowhere = { ...env, DATABASE_URL: "postgres://127.0.0.1:1/none" };
  const { code, stderr } = await tradetape(["consume", "symbols", "--fail-fast"], nowhere);
  expect(code).toBe(2);
  const last = linesOf(stderr).at(-1);
  expect(last).toMatchObject({ level: 60, code: "database_unreachable", error: { canRetry: true } });
});

test("a consumer with an end of its own speaks to whoever waits for it", async () => {
  const { code, stderr } = await tradetape(["consume", "symbols", "--until-caught-up"], env);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("starts")]);
});

import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { userName } from "../../../src/audit/actor.ts";
import { environmentOf } from "../../support/landing.ts";
import { idOf, NOON, session } from "../../support/samples.ts";
import { micros, openTestTape, type Row, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  for (const name of ["won", "lost", "gone"])
    await tape.publish("sessions", session({ backtest_session_id: idOf(name), revised_at: null }));
  await tape.publish("sessions", session({ backtest_session_id: idOf("gone"), status: "deleted", revised_at: null }));
  await tape.land("sessions");
});
afterAll(() => tape.stop());

const finish = (name: string, ...flags: string[]) => tradetape(["sessions", "finish", idOf(name), ...flags], env);
const rowOf = async (name: string) => {
  const columns = `status, result, name, config, config_sha256, ${micros("started_at")}, ${micros("ended_at")}`;
  const sql = `SELECT ${columns} FROM backtest_session WHERE backtest_session_id = $1`;
  return (await tape.query<Row>(sql, [idOf(name)]))[0]!;
};

test("a session ends with a status, a time and its figures, and keeps all else that is on record", async () => {
  const before = await rowOf("won");
  expect(await finish("won", "--result", '{"sharpe": 1.31}')).toMatchObject({
    code: 0,
    stdout: `session ${idOf("won")} is completed\n`,
  });
  await tape.land("sessions");
  const ended = { status: "completed", result: { sharpe: 1.31 }, ended_at: expect.any(Number) };
  const after = await rowOf("won");
  expect(after).toEqual({ ...before, ...ended });
  expect(Number(after.ended_at)).toBeGreaterThan(NOON);
  const told = await tape.read("audit");
  expect(told.some(({ value }) => value!.includes(userName()) && value!.includes("completed"))).toBe(true);
});

test("said again it publishes nothing, in whatever form its figures are written", async () => {
  const count = (await tape.read("sessions")).length;
  const again = await finish("won", "--result", '{ "sharpe":1.310 }', "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ status: "completed", finished: false });
  expect((await finish("won", "--result", '{"sharpe": 1.31}')).stdout).toContain("and was before");
  expect((await tape.read("sessions")).length).toBe(count);
});

test("a run that died is failed, with the reason of a file", async () => {
  const file = join(tmpdir(), `${idOf("why")}.json`);
  writeFileSync(file, '{"why": "the feed ended early"}');
  expect(await finish("lost", "--status", "failed", "--result", `@${file}`)).toMatchObject({ code: 0 });
  await tape.land("sessions");
  expect(await rowOf("lost")).toMatchObject({ status: "failed", result: { why: "the feed ended early" } });
});

test.each([
  ["has ended otherwise", "won", ["--status", "failed"], /is completed since .*: its record stays/],
  ["was deleted", "gone", [], /was deleted: its record stays/],
  ["never landed", "never", [], /no session .* has landed/],
  ["is to end as no session does", "won", ["--status", "running"], /completed, failed/],
  ["ends with what is no JSON", "won", ["--result", "{"], /a JSON object/],
  ["ends with a list", "won", ["--result", "[1]"], /a JSON object/],
  ["ends with a file that isn't there", "won", ["--result", "@/nowhere.json"], /ENOENT/],
])("one that %s is refused, and nothing is published", async (_, name, flags, says) => {
  const count = (await tape.read("sessions")).length;
  expect(await finish(name, ...flags)).toMatchObject({ code: 2, stderr: expect.stringMatching(says) });
  expect((await tape.read("sessions")).length).toBe(count);
});

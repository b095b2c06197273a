import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endsOf, environmentOf, landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { pythonWith } from "../../support/python.ts";
import { bar } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

const INTEROP = join(import.meta.dirname, "../../interop");
/** A machine that has never run it fetches librdkafka first. */
const SETUP_MS_MAX = 6 * 60_000;
let tape: TestTape;
let python: string;
const stop = new AbortController();

beforeAll(async () => {
  python = await pythonWith(join(INTEROP, "requirements.txt"));
  tape = await openTestTape();
}, SETUP_MS_MAX);
afterAll(() => {
  stop.abort();
  return tape?.stop();
});

type End = "commit" | "abort";

/** Publishes bars of these numbers by librdkafka, one transaction after the other. */
async function publish(...transactions: readonly (readonly [End, ...number[]])[]): Promise<unknown> {
  const child = spawn(python, [join(INTEROP, "transactions.py"), tape.name("bars")], {
    env: { ...process.env, ...environmentOf(tape.config) },
    stdio: ["pipe", "pipe", "inherit"],
  });
  for (const [end, ...numbers] of transactions) {
    const values = await Promise.all(numbers.map(async (n) => (await tape.encode("bars", bar(n))).toString("base64")));
    child.stdin.write(`${JSON.stringify({ end, values })}\n`);
  }
  child.stdin.end();
  const [printed] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect(child.exitCode).toBe(0);
  return JSON.parse(printed);
}

/** Where partition 0 ends, markers included: the broker writes a transaction's marker behind its answer. */
async function logEnd(): Promise<number> {
  const offsets = await tape.admin((admin) => admin.fetchTopicOffsets(tape.name("bars")));
  return Number(offsets.find(({ partition }) => partition === 0)!.high);
}

/** What a command prints as JSON, when it ends well. */
async function run(...args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await tradetape([...args, "--json"], environmentOf(tape.config));
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** The rows of a command's answer that are about bars. */
const barsOf = (rows: unknown) =>
  (rows as { topic: string; partition: number }[]).filter(({ topic }) => topic.endsWith("bars"));

async function expectAllLanded(rows: number, holes: number): Promise<void> {
  const [status, verified] = await Promise.all([run("status"), run("verify", "--quiet")]);
  expect(barsOf(status)).toMatchObject(Array.from({ length: 4 }, () => ({ lag: 0 })));
  expect(verified).toMatchObject({ ok: true, problems: [] });
  const [landed] = await tape.query(
    `SELECT sum(read)::int AS read, sum(written)::int AS written, sum(holes)::int AS holes
     FROM tradetape.landed_batch WHERE topic = $1`,
    [tape.name("bars")],
  );
  expect(landed).toEqual({ read: rows, written: rows, holes });
  expect(await ledgerFaults(tape)).toEqual([]);
}

test("a transactional librdkafka producer's commits land, its aborts don't, and its markers leave no lag", async () => {
  const printed = await publish(["commit", 1, 2, 3], ["abort", 4, 5], ["commit", 6, 7, 8], ["abort", 9]);
  expect(printed).toEqual({ committed: 6, aborted: 3 });
  await expect.poll(logEnd).toBe(9 + 4);
  const [bars] = barsOf(await run("consume", "bars", "audit", "--until-caught-up"));
  expect(bars).toMatchObject({ read: 6, written: 6, dead: 0 });
  await expectAllLanded(6, 3 + 4);
});

const landedReaches = (end: number) => expect.poll(async () => (await endsOf(tape, "bars")).landed).toBe(end);

test("a consumer at the end that gets nothing but aborted transactions leaves no lag, and no later call waits", async () => {
  const landing = landBy(tape.config, ["bars"], { untilCaughtUp: false, stop: stop.signal });
  await publish(["commit", 10]);
  await landedReaches(13 + 2);
  await publish(["abort", 11, 12], ["abort", 13]);
  await landedReaches(13 + 2 + 5);
  stop.abort();
  expect(await landing).toMatchObject([{ written: 1 }]);
  const [bars] = barsOf(await run("consume", "bars", "audit", "--until-caught-up"));
  expect(bars).toMatchObject({ read: 0, written: 0, dead: 0 });
  await expectAllLanded(7, 7 + 1 + 3 + 2);
});

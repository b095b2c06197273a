import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Connection } from "../../../src/table/connection.ts";
import { LEAKS, lookAhead } from "../../../src/table/desk/look-ahead.ts";
import { environmentOf } from "../../support/landing.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";
import { decisionOf, type Plant, plant } from "./plant.ts";
import { PLANTED, SESSION_KINDS, sessionOf } from "./planted-leaks.ts";

/** Each case in each session that it is about, once. */
const EACH: readonly Plant[] = Object.entries(PLANTED)
  .flatMap(([name, { sessions = SESSION_KINDS }]) => sessions.map((session) => ({ name, session, by: 1 })))
  .map((one, n) => ({ ...one, n }));

/** Of a large run one decision in a hundred leaks, as in a tape that is nearly right; of a small one a third. */
const DECISIONS = Number(process.env.LOOKAHEAD_DECISIONS ?? 300);
const SHARE = DECISIONS > 1000 ? 100 : 3;

/** A generator of numbers from 0 to below `below`, the same for the same seed. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function manyPlants(from: number): Plant[] {
  const roll = dice(7);
  const leaking = Object.keys(PLANTED).filter((name) => PLANTED[name]!.leaks !== undefined);
  const honest = Object.keys(PLANTED).filter((name) => PLANTED[name]!.leaks === undefined);
  return Array.from({ length: DECISIONS }, (_, i) => {
    const names = i % SHARE === 0 ? leaking : honest;
    const name = names[roll(names.length)]!;
    const sessions = PLANTED[name]!.sessions ?? SESSION_KINDS;
    return { n: from + i, name, session: sessions[roll(sessions.length)]!, by: 1 + roll(50_000) };
  });
}

const PLANTS = [...EACH, ...manyPlants(EACH.length)];
const leaksOf = (plants: readonly Plant[]) =>
  plants.flatMap((one) => (PLANTED[one.name]!.leaks ?? []).map((kind) => `${decisionOf(one)} ${kind}: ${one.name}`));

let tape: TestTape;
let reader: Connection;

beforeAll(async () => {
  tape = await openTestTape();
  const owner = await Connection.open(tape.config.databaseUrl, { name: "test" });
  await plant(owner, PLANTS);
  await owner.close();
  // A session's settings must not change the answer.
  reader = await Connection.open(tape.config.databaseUrl, { name: "test", role: "tradetape_reader" });
  await reader.run("SET TimeZone = 'America/New_York'");
});
afterAll(async () => {
  await reader?.close();
  await tape?.stop();
});

const NAMES = new Map(PLANTS.map((one) => [decisionOf(one), one.name]));
const judge = (session: string | null, portion: number) =>
  lookAhead(reader, session, { stop: new AbortController().signal, onProgress: () => {}, portion });

describe("every planted leak is found, as what it is, and nothing else is", () => {
  test.each([
    ["in portions, of which many lack nothing that they look for", Math.ceil(PLANTS.length / 70)],
    ["in one portion", PLANTS.length],
  ])("%s", async (_, portion) => {
    const begun = performance.now();
    const found = await judge(null, portion);
    const seconds = (performance.now() - begun) / 1000;
    process.stderr.write(`${found.decisions} decisions, ${found.findings.length} leaks, ${seconds.toFixed(1)} s\n`);
    const told = found.findings.map(({ decisionId, kind }) => `${decisionId} ${kind}: ${NAMES.get(decisionId)}`);
    expect(told.toSorted()).toEqual(leaksOf(PLANTS).toSorted());
    expect(Object.values(found.leaks).every((n) => n > 0)).toBe(true);
    const of = (is: (name: string) => boolean) => PLANTS.filter(({ name }) => is(name));
    expect(found).toMatchObject({
      decisions: PLANTS.length,
      notProvable: of((name) => PLANTED[name]!.provable === false).length,
      provable: of((name) => PLANTED[name]!.provable !== false).length,
      interrupted: false,
    });
    expect(found.revised.map(({ decisionId }) => decisionId).toSorted()).toEqual(
      of((name) => PLANTED[name]!.revised === true)
        .map(decisionOf)
        .toSorted(),
    );
  });
});

test("a finding names the event and the two times", async () => {
  const one = EACH.find(({ name }) => name === "a bar that ends later")!;
  const { findings } = await judge(null, 1000);
  const leak = findings.find(({ decisionId }) => decisionId === decisionOf(one))!;
  const { at, against, ...named } = leak;
  expect(named).toMatchObject({ kind: "future_input", toldBy: "decision", input: "bar" });
  expect([at.slice(-8), against!.slice(-8)]).toEqual([".000000Z", ".000001Z"]);
});

const lookahead = async (...args: string[]) => {
  const { code, stdout, stderr } = await tradetape(["lookahead", ...args], environmentOf(tape.config));
  return { code, stdout, stderr };
};

describe("the command", () => {
  test("ends with 1 where one leaks, and tells of one session alone", async () => {
    const own = PLANTS.filter(({ session }) => session === "paper");
    const { code, stdout } = await lookahead("--session", sessionOf("paper")!, "--json");
    const { decisions, leaks, findings } = JSON.parse(stdout) as {
      decisions: number;
      leaks: object;
      findings: object[];
    };
    expect([code, decisions, findings.length]).toEqual([1, own.length, leaksOf(own).length]);
    expect(Object.keys(leaks)).toEqual(Object.keys(LEAKS));
    expect((await lookahead()).stdout).toContain(" more: --json names them");
  });

  test("refuses a session that hasn't landed", async () => {
    const { code, stderr } = await lookahead("--session", "0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d");
    expect([code, stderr]).toEqual([2, expect.stringContaining("no session 0198c5a4-8f6e")]);
  });
});

test("a tick of days that were dropped is not provable", async () => {
  const before = await judge(null, 1000);
  const gone = PLANTS.filter(({ name }) => name === "a tick that the tape doesn't have").length;
  await tape.query(
    `UPDATE tradetape.day_table SET keep_from = '2020-01-01', moved_at = now(), moved_by = 'test'
     WHERE table_name = 'market_data_tick'`,
  );
  const after = await judge(null, 1000);
  expect(after.leaks.unknown_input).toBe(before.leaks.unknown_input - gone);
  expect(after.notProvable).toBe(before.notProvable + gone);
});

test("the command ends with 0 where none leaks", async () => {
  await tape.query(`DELETE FROM public.trade_execution WHERE backtest_session_id = $1`, [sessionOf("replay")]);
  await tape.query(`DELETE FROM public.trade_decision WHERE backtest_session_id = $1`, [sessionOf("replay")]);
  const { code, stdout } = await lookahead("--session", sessionOf("replay")!);
  expect([code, stdout.split("\n")[0]]).toEqual([0, "0 decisions: 0 provable, 0 not provable"]);
});

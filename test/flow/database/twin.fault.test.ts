import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { beat } from "../../../src/table/beats.ts";
import { Connection } from "../../../src/table/connection.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { verify } from "../../../src/verify/verify.ts";
import { type Consuming, landBy, startConsuming } from "../../support/landing.ts";
import { prediction, SYMBOL_ID, symbol, tick } from "../../support/samples.ts";
import { type OwnPostgres, startOwnPostgres } from "../../support/services/own-postgres.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";

const TOPICS = ["symbols", "ticks", "predictions", "audit"] as const;

/** A database, wherever it lies. */
type Place = Pick<OwnPostgres, "url">;

let tape: TestTape;
/** The server of the production, and what was made of its files. */
let original: OwnPostgres;
const made: OwnPostgres[] = [];
let ticks = 0;

const configOf = ({ url }: Place) => ({ ...tape.config, databaseUrl: url });

async function ask<R extends Row>({ url }: Place, sql: string): Promise<R[]> {
  const connection = await Connection.open(url, { name: "test" });
  return connection.query<R>(sql).finally(() => connection.close());
}

const ticksIn = async (server: Place) =>
  Number((await ask<{ n: number }>(server, "SELECT count(*) AS n FROM public.market_data_tick"))[0]!.n);

/** Another database of the production's server. */
function onServer(database: string): string {
  const url = new URL(original.url);
  url.pathname = `/${database}`;
  return url.href;
}

async function snapshotOf(server: OwnPostgres): Promise<OwnPostgres> {
  const copy = await server.snapshot();
  made.push(copy);
  return copy;
}

async function problemsOf({ url }: Place) {
  const connection = await Connection.open(url, { name: "test", role: "tradetape_reader" });
  return verify(connection, CONSUMERS, { quiet: true })
    .then(({ problems }) => problems)
    .finally(() => connection.close());
}

const lettersIn = (server: Place) => ask(server, "SELECT topic, reason, detail FROM tradetape.dead_letter");

/** Publishes ticks until it is told to stop. */
function load(): { stop(): Promise<void> } {
  let goesOn = true;
  const publishing = (async () => {
    while (goesOn) await Promise.all(Array.from({ length: 20 }, () => tape.publish("ticks", tick(ticks++))));
  })();
  return {
    stop: () => {
      goesOn = false;
      return publishing;
    },
  };
}

/** The longest time in which a database landed no batch of ticks, of those between two moments. */
async function longestGapMs(server: Place, from: Date, to: Date): Promise<number> {
  const [row] = await ask<{ ms: number }>(
    server,
    `SELECT max(extract(epoch FROM gap) * 1000)::float8 AS ms FROM (
       SELECT landed_at - lag(landed_at) OVER (ORDER BY landed_at) AS gap FROM tradetape.landed_batch
       WHERE topic = '${tape.name("ticks")}' AND landed_at BETWEEN '${from.toISOString()}' AND '${to.toISOString()}') g`,
  );
  return Math.round(row!.ms);
}

/** How many members the group of ticks has, at most, until it is asked. */
function countMembers(databaseId: string): { most(): Promise<number> } {
  let most = 0;
  let goesOn = true;
  const groupId = `tradetape.${tape.name("ticks")}.${databaseId}`;
  const counting = tape.admin(async (admin) => {
    while (goesOn) {
      const { groups } = await admin.describeGroups([groupId]);
      most = Math.max(most, groups[0]!.members.length);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  return {
    most: async () => {
      goesOn = false;
      await counting;
      return most;
    },
  };
}

/** What the process that lands ticks shows of its beats to the others of its group. */
async function shownIn(server: Place): Promise<string> {
  const groupId = `tradetape.${tape.name("ticks")}.${await idOf(server)}`;
  const topics = await tape.admin((admin) => admin.fetchOffsets({ groupId, topics: [tape.name("ticks")] }));
  return topics.flatMap(({ partitions }) => partitions.map(({ metadata }) => metadata ?? "")).join("\n");
}

const idOf = async (server: Place) =>
  String((await ask(server, "SELECT database_id::text AS id FROM tradetape.database_id"))[0]!.id);

const question = { code: "database_copied", next: expect.stringContaining("--as restored") };

beforeAll(async () => {
  tape = await openTestTape();
  original = await startOwnPostgres();
  made.push(original);
  await migrate(original.url);
  await tape.publish("symbols", symbol());
  await landBy(configOf(original), ["symbols"]);
});
afterAll(async () => {
  await Promise.all(made.map((server) => server.end()));
  await tape.stop();
});

/** Copies of the production's database, each as it is made. */
const COPIES: Readonly<Record<string, () => Promise<Place>>> = {
  // It was made before production began, as PostgreSQL copies no database that is in use.
  "a copy by TEMPLATE": async () => ({ url: onServer("copied") }),
  // It has the beats that are shown, and the next one: it was made before that one was shown.
  "a snapshot of the disk": async () => {
    const copy = await snapshotOf(original);
    await ask(copy, "UPDATE tradetape.beat SET number = number + 1");
    return copy;
  },
};

describe("a copy that is started beside the original under load", () => {
  let production: Consuming;
  const copies = new Map<string, Place>();

  beforeAll(async () => {
    await ask({ url: onServer("template1") }, "CREATE DATABASE copied TEMPLATE tradetape");
    production = await startConsuming(configOf(original), TOPICS);
    await tape.publishAll("ticks", [tick(ticks++), tick(ticks++)]);
  });

  test.each(Object.entries(COPIES))(
    "is asked whose it is before it joins a group, also when it was said to be restored, and production goes on: %s",
    async (kind, make) => {
      const began = new Date();
      const { stop } = load();
      const before = await ticksIn(original);
      await expect.poll(() => ticksIn(original)).toBeGreaterThan(before + 2000);
      const from = new Date();
      const copy = await make();
      copies.set(kind, copy);
      const members = countMembers(await idOf(original));
      await expect(landBy(configOf(copy), TOPICS)).rejects.toMatchObject(question);
      await expect(landBy(configOf(copy), TOPICS)).rejects.toMatchObject(question);
      await expect(migrate(copy.url)).rejects.toMatchObject(question);
      await migrate(copy.url, "restored");
      await expect(landBy(configOf(copy), TOPICS)).rejects.toMatchObject(question);
      const to = new Date();
      await stop();
      expect(await members.most()).toBe(1);
      await expect.poll(() => ticksIn(original)).toBe(ticks);
      const gaps = [await longestGapMs(original, began, from), await longestGapMs(original, from, to)];
      process.stdout.write(
        `${kind} beside its original: in ${+to - +from} ms, at ${ticks} ticks, no batch landed for ${gaps[1]} ms at most; ` +
          `before it was there, ${gaps[0]} ms\n`,
      );
    },
  );

  test.each(Object.keys(COPIES))(
    "lands all there is by groups of its own, once it was said to be a copy: %s",
    async (kind) => {
      const copy = copies.get(kind)!;
      const { stop } = load();
      await migrate(copy.url, "copy");
      await landBy(configOf(copy), TOPICS);
      await stop();
      await tape.publish("predictions", prediction(ticks, { symbol_id: SYMBOL_ID }));
      await landBy(configOf(copy), TOPICS);
      await expect.poll(() => ticksIn(original)).toBe(ticks);
      expect(await ticksIn(copy)).toBe(ticks);
    },
  );

  test("loses and doubles nothing, nor does the original", async () => {
    await production.stop();
    const all = [original, ...copies.values()];
    for (const place of all) await landBy(configOf(place), TOPICS);
    for (const place of all) await landBy(configOf(place), ["audit"]);
    for (const place of all) {
      expect(await ticksIn(place)).toBe(ticks);
      expect(await problemsOf(place)).toEqual([]);
      expect(await lettersIn(place)).toEqual([]);
    }
  });

  test("is asked as well while the original's consumers are stopped, and goes on where it is said to be restored", async () => {
    const behind = await snapshotOf(original);
    await tape.publish("ticks", tick(ticks++));
    await landBy(configOf(original), TOPICS);
    await ask(behind, "UPDATE tradetape.database_id SET settled_at = settled_at - interval '1 day'");
    await expect(landBy(configOf(behind), TOPICS)).rejects.toMatchObject(question);
    await migrate(behind.url, "restored");
    await tape.publish("ticks", tick(ticks++));
    await landBy(configOf(behind), TOPICS);
    expect(await ticksIn(behind)).toBe(ticks);
    expect(await problemsOf(behind)).toEqual([]);
    expect(await lettersIn(behind)).toEqual([]);
  });
});

describe("two databases with one id, whose consumers begin at the same moment", () => {
  test("are noticed while they run: one stands back with the question, the other lands all, and so does the copy", async () => {
    const first = await startOwnPostgres();
    made.push(first);
    await migrate(first.url);
    const second = await snapshotOf(first);
    // A process shows its beats beside the offsets of partitions that it has landed something of: each has something, then.
    for (const partition of [0, 1, 2, 3]) {
      await tape.raw("ticks", [{ partition, value: await tape.encode("ticks", tick(ticks++)) }]);
    }
    const running = await Promise.all([first, second].map((server) => startConsuming(configOf(server), TOPICS)));
    const { stop } = load();
    const ended = running.map((one) =>
      one.ended.then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    const [index, error] = await Promise.race(ended.map(async (end, n) => [n, await end] as const));
    expect(error).toMatchObject(question);
    await stop();
    const [back, stays] = index === 0 ? [first, second] : [second, first];
    await expect.poll(() => ticksIn(stays)).toBe(ticks);
    await expect(landBy(configOf(back), TOPICS)).rejects.toMatchObject(question);
    await migrate(back.url, "copy");
    await landBy(configOf(back), TOPICS);
    expect(await ticksIn(back)).toBe(ticks);
    await running[1 - index]!.stop();
    await landBy(configOf(stays), TOPICS);
    await landBy(configOf(back), TOPICS);
    for (const server of [first, second]) {
      expect(await problemsOf(server)).toEqual([]);
      expect(await lettersIn(server)).toEqual([]);
    }
  });
});

describe("a copy that was quicker than its original", () => {
  test("runs beside it by the documented walk: `--as copy` there, while it runs, then `--as restored` here", async () => {
    const first = await startOwnPostgres();
    made.push(first);
    await migrate(first.url);
    const quicker = await snapshotOf(first);
    const { stop } = load();
    const copying = await startConsuming(configOf(quicker), TOPICS);
    await expect.poll(() => shownIn(quicker)).toContain("beat ");
    const ended = expect(copying.ended).rejects.toMatchObject({
      code: "database_copied",
      message: expect.stringContaining(`and had ${await idOf(first)} when this process began`),
      next: expect.stringContaining("Start the command again"),
    });
    await expect(landBy(configOf(first), TOPICS)).rejects.toMatchObject(question);
    await migrate(quicker.url, "copy");
    await ended;
    await migrate(first.url, "restored");
    const running = await Promise.all([first, quicker].map((server) => startConsuming(configOf(server), TOPICS)));
    await stop();
    await expect.poll(() => Promise.all([first, quicker].map(ticksIn))).toEqual([ticks, ticks]);
    await Promise.all(running.map((one) => one.stop()));
    for (const server of [first, quicker]) {
      await landBy(configOf(server), TOPICS);
      expect(await problemsOf(server)).toEqual([]);
      expect(await lettersIn(server)).toEqual([]);
    }
  });
});

test("a database is landed in since the first of its processes, whichever of them ends, and a snapshot of it isn't", async () => {
  const first = await startOwnPostgres();
  made.push(first);
  await migrate(first.url);
  const connection = await Connection.open(first.url, { name: "test" });
  const since = async (process: string, number: number) => (await beat(connection, process, number, [])).sinceMs;
  const began = await since("0000000a", 1);
  expect(await since("0000000b", 1)).toBe(began);
  await connection.run(
    "UPDATE tradetape.beat SET beaten_at = beaten_at - interval '1 minute' WHERE process = '0000000a'",
  );
  expect([await since("0000000b", 2), await since("0000000c", 1)]).toEqual([began, began]);
  const snapshot = await snapshotOf(first);
  await connection.run("UPDATE tradetape.beat SET beaten_at = beaten_at - interval '1 minute'");
  expect(await since("0000000d", 1)).toBeGreaterThan(began);
  expect(await since("0000000c", 2)).toBe(began);
  await connection.close();
  const beside = await Connection.open(snapshot.url, { name: "test" });
  expect((await beat(beside, "0000000e", 1, [])).sinceMs).toBeGreaterThan(began);
  await beside.close();
});

import { beforeAll, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import type { Ended } from "../../support/commands/run-here.ts";
import { environmentOf } from "../../support/landing.ts";
import { bar, idOf, symbol, tick } from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

/** Each test brings an error about, does what its `next` says, word for word, and has the same command run well. */
let tape: TestTape;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  tape = await openTestTape();
  env = environmentOf(tape.config);
  await tape.publish("symbols", symbol());
  await tape.publish("ticks", tick());
  await tape.land();
});

interface Told {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/** The error that a command ends with. */
async function errorOf(args: readonly string[], of: NodeJS.ProcessEnv = env): Promise<Told> {
  const { code, stderr } = await tradetape([...args, "--json"], of);
  expect(code, stderr).toBe(2);
  const line = stderr.split("\n").find((text) => text.startsWith('{"error"'));
  return (JSON.parse(line!) as { error: Told }).error;
}

/** The words of the command that a `next` shows, but for those that it leaves to the reader. */
function commandIn(next: string, given: Readonly<Record<string, string>> = {}): string[] {
  const [, shown] = /`tradetape ([^`]+)`/.exec(next)!;
  return shown!.split(" ").map((word) => given[word] ?? word);
}

async function runsWell(args: readonly string[], of: NodeJS.ProcessEnv = env): Promise<Ended> {
  const ended = await tradetape(args, of);
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

test("topic_missing: the topics are created by the command that it names", async () => {
  const elsewhere = { ...env, TRADETAPE_NAMESPACE: `${tape.config.namespace}-new` };
  const consume = ["consume", "ticks", "--until-caught-up"];
  const { code, next } = await errorOf(consume, elsewhere);
  expect(code).toBe("topic_missing");
  await runsWell(commandIn(next), elsewhere);
  await runsWell(consume, elsewhere);
});

test("not_migrated: the database is migrated by the command that it names", async () => {
  const fresh = { ...env, DATABASE_URL: (await isolate("fresh")).databaseUrl };
  const { code, next } = await errorOf(["parked"], fresh);
  expect(code).toBe("not_migrated");
  await runsWell(commandIn(next), fresh);
  await runsWell(["parked"], fresh);
});

test("config_invalid: the setting that it names is corrected by what the help says", async () => {
  const wrong = { ...env, TRADETAPE_PARK_DEADLINE: "5000" };
  const { code, message, next } = await errorOf(["config"], wrong);
  expect(code).toBe("config_invalid");
  const [, meant] = /; (\S+) is meant/.exec(message)!;
  expect((await runsWell(commandIn(next))).stdout).toContain(meant);
  const { stdout } = await runsWell(["config", "--json"], { ...env, [meant!]: "5000" });
  expect(JSON.parse(stdout)).toMatchObject({ parkDeadlineMs: 5000 });
});

test("input_invalid: what can be given is in it", async () => {
  const { code, next } = await errorOf(["consume", "tick", "--until-caught-up"]);
  expect([code, next]).toEqual(["input_invalid", expect.stringMatching(/\bticks\b/)]);
  await runsWell(["consume", "ticks", "--until-caught-up"]);
});

test("database_unreachable: once DATABASE_URL is right, the same command answers", async () => {
  const { code, next } = await errorOf(["parked"], {
    ...env,
    DATABASE_URL: "postgres://tradetape@127.0.0.1:9/nothing",
  });
  expect([code, next]).toEqual(["database_unreachable", expect.stringContaining("DATABASE_URL is right")]);
  await runsWell(["parked"]);
});

test("not_caught_up: the command that it names lands the rest, and the days can be dropped", async () => {
  await tape.publish("ticks", tick(1));
  const drop = ["partitions", "drop", "--topic", "ticks", "--before", "1980-01-01", "--wait", "0", "--yes"];
  const { code, next } = await errorOf(drop);
  expect(code).toBe("not_caught_up");
  await runsWell(commandIn(next));
  await runsWell(drop);
});

test("replay_refused: a fresh database takes what the live one is refused", async () => {
  const { code, next } = await errorOf(["replay", "--into", tape.config.databaseUrl]);
  expect([code, next]).toEqual(["replay_refused", expect.stringContaining("Give a fresh database")]);
  await runsWell(["replay", "--into", (await isolate("replayed")).databaseUrl]);
});

test("replay_partial: another database, filled whole, is gone on from", async () => {
  const { databaseUrl: part } = await isolate("part");
  const { databaseUrl: whole } = await isolate("whole");
  await runsWell(["replay", "--into", part, "--topics", "ticks"]);
  const consume = ["consume", "--until-caught-up"];
  const { code, next } = await errorOf(consume, { ...env, DATABASE_URL: part });
  expect(code).toBe("replay_partial");
  expect(next).toBe("Consume into another database; a whole replay into a fresh one can be gone on from.");
  await runsWell(["replay", "--into", whole]);
  await runsWell(consume, { ...env, DATABASE_URL: whole });
});

test("not_comparable: what the one that is behind lacks is landed by the command that it names", async () => {
  const behind = (await tape.beside("behind")).config.databaseUrl;
  const verify = ["verify", "--against", behind, "--wait", "0"];
  const { code, next } = await errorOf(verify);
  expect(code).toBe("not_comparable");
  const [command] = next.split("`, or");
  await runsWell(commandIn(`${command}\``), { ...env, DATABASE_URL: behind });
  await runsWell(commandIn(`${command}\``));
  await runsWell(verify);
});

test("catalog_mismatch: a column made again as its migration does lands on", async () => {
  await tape.query("ALTER TABLE public.symbol RENAME COLUMN exchange TO market");
  const consume = ["consume", "symbols", "--until-caught-up"];
  const { code, next } = await errorOf(consume);
  expect([code, next]).toEqual(["catalog_mismatch", expect.stringContaining("make it again as its migration does")]);
  await runsWell(commandIn(next));
  await tape.query("ALTER TABLE public.symbol RENAME COLUMN market TO exchange");
  await runsWell(consume);
});

/** Has a partition's log begin where it ends. */
async function deleteRecords(of: EventTopic, partition: number): Promise<void> {
  const topic = tape.name(of);
  await tape.admin(async (admin) => {
    // Also has the client know the topic, without which it deletes nothing.
    await admin.fetchTopicMetadata({ topics: [topic] });
    const { high } = (await admin.fetchTopicOffsets(topic)).find((one) => one.partition === partition)!;
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: high }] });
  });
}

test("history_lost: what is gone for good is accepted by the command that it names, with the range that it names", async () => {
  await tape.raw("ticks", [{ value: Buffer.from("gone") }, { value: Buffer.from("gone, too") }]);
  await deleteRecords("ticks", 0);
  const consume = ["consume", "ticks", "--until-caught-up"];
  const { code, message, next } = await errorOf(consume);
  expect(code).toBe("history_lost");
  expect(next).toContain(/expected offset (\d+) next/.exec(message)![1]);
  const accept = commandIn(next, { WHY: "a test took them" });
  await runsWell([...accept, "--until-caught-up"]);
  await runsWell(consume);
  await runsWell(["verify"]);
});

test("history_lost: a topic that was made again is gone on with by the command that it names", async () => {
  await tape.publish("symbols", symbol());
  await tape.land("symbols");
  await tape.remake("symbols");
  await tape.raw("symbols", [
    { value: await tape.encode("symbols", symbol({ symbol_id: idOf("new"), ticker: "NEW" })) },
  ]);
  const consume = ["consume", "symbols", "--until-caught-up"];
  const { code, next } = await errorOf(consume);
  expect(code).toBe("history_lost");
  const [rewind, topic, flag] = commandIn(next);
  await runsWell([rewind!, topic!, "--dry-run"]);
  await runsWell([rewind!, topic!, flag!, "a test deleted it"]);
  await runsWell(consume);
  await runsWell(["consume", "audit", "--until-caught-up"]);
  await runsWell(["verify"]);
  expect(await tape.query("SELECT ticker FROM public.symbol WHERE symbol_id = $1", [idOf("new")])).toHaveLength(1);
});

test("history_lost: what a log that was rewound no longer holds below is accepted by the command that it names", async () => {
  await tape.raw("bars", [{ value: await tape.encode("bars", bar(0)) }]);
  await tape.land("bars");
  await tape.remake("bars");
  await tape.raw("bars", [{ value: await tape.encode("bars", bar(0)) }, { value: await tape.encode("bars", bar(1)) }]);
  const consume = ["consume", "bars", "--until-caught-up"];
  const [rewind, topic, flag] = commandIn((await errorOf(consume)).next);
  await runsWell([rewind!, topic!, flag!, "a test deleted it"]);
  await deleteRecords("bars", 0);
  await tape.raw("bars", [{ value: await tape.encode("bars", bar(2)) }]);
  const { code, message, next } = await errorOf(consume);
  expect([code, message]).toEqual([
    "history_lost",
    expect.stringContaining("expected offset 0 next, the log begins at 2"),
  ]);
  await runsWell([...commandIn(next, { WHY: "a test took them, too" }), "--until-caught-up"]);
  await runsWell(consume);
  await runsWell(["consume", "audit", "--until-caught-up"]);
  for (const check of [["status"], ["verify", "--full"], ["audit", "verify", "--tables"]]) await runsWell(check);
  expect(await tape.query("SELECT count(*) AS n FROM public.market_data_bar")).toEqual([{ n: 2 }]);
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EVENT_SCHEMAS, type EventTopic } from "../../../src/event/schemas.ts";
import type { Ended } from "../../support/commands/run-here.ts";
import { type Consuming, environmentOf, startConsuming } from "../../support/landing.ts";
import { bar, idOf, prediction, tick } from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let consuming: Consuming;
/** The schema that this program's ticks are written with. */
let own: number;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  own = (await tape.encode("ticks", tick(0))).readInt32BE(1);
  consuming = await startConsuming(tape.config, ["ticks", "bars", "audit"]);
});
afterAll(async () => {
  await consuming.stop();
  await tape.stop();
});

const run = (...args: string[]): Promise<Ended> => tradetape(args, environmentOf(tape.config));
const because = ["--reason-text", "looked at"];
/** The words of a command, where only "looked at" stands in quotation marks. */
const words = (command: string) => command.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', ""));
/** Commands that a text shows and that have this word. */
const commandsIn = (text: string, word: string) =>
  [...text.matchAll(/`tradetape ([^`]*)`/g)].map(([, shown]) => shown!).filter((shown) => shown.includes(` ${word} `));

async function runShown(text: string, word: string): Promise<string> {
  const [command] = commandsIn(text, word);
  expect(command, text).toBeDefined();
  const { code, stdout, stderr } = await run(...words(command!));
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

async function refused(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stdout]).toEqual([2, ""]);
  return stderr;
}

/** Waits until a group is stopped. @returns what its state says to do */
const stopped = async (topic: EventTopic) => (await consuming.stopped(topic)).next ?? "";
const runs = (topic: EventTopic) => consuming.runs(topic);
const count = async (what: string, ...values: unknown[]) =>
  Number((await tape.query(`SELECT count(*) AS n FROM ${what}`, values))[0]!.n);
const letters = (topic: EventTopic) => count("tradetape.dead_letter WHERE topic = $1", tape.name(topic));
const entries = async (type: string) =>
  (await tape.query("SELECT payload FROM audit_log WHERE event_type = $1 ORDER BY seq", [type])).map(
    ({ payload }) => payload as Record<string, unknown>,
  );
const garbage = (n: number) => Array.from({ length: n }, (_, i) => ({ value: Buffer.from(`garbage ${i}`) }));
/** Ticks that no database takes, from a writer whose schema is the topic's own. */
const badTicks = (from: number, n: number) =>
  Promise.all(
    Array.from({ length: n }, async (_, i) => {
      const value = await tape.encode("ticks", tick(from + i, { close: Number.NaN }));
      return { value };
    }),
  );

type Allowed = { topic: string; schemaId: number | null; partition: number | null; letters: number };
type Row = { topic: string; partition: number; allowed: Allowed[] };
/** What status and verify show of what is allowed, which has to be the same; only verify reads the letters, to count them. */
async function allowedNow(): Promise<Allowed[]> {
  const rows = JSON.parse((await run("status", "--json")).stdout) as Row[];
  const { allowed } = JSON.parse((await run("verify", "--json")).stdout) as { allowed: Allowed[] };
  const byStatus = new Set(rows.flatMap((row) => row.allowed.map((one) => JSON.stringify(one))));
  expect([...byStatus].sort()).toEqual(allowed.map(({ letters: _, ...one }) => JSON.stringify(one)).sort());
  for (const { topic, partition, allowed } of rows) {
    for (const one of allowed) expect([one.topic, one.partition ?? partition]).toEqual([topic, partition]);
  }
  return allowed;
}

describe("to skip a schema", () => {
  test("that is the topic's own is refused, and what says that every writer is meant does it", async () => {
    await tape.raw("ticks", await badTicks(1000, 1200));
    const next = await stopped("ticks");
    expect(commandsIn(next, "skip-schema")).toEqual([expect.stringContaining(`ticks ${own} --every-writer `)]);
    for (const yes of [[], ["--yes"]]) {
      const said = await refused("dead-letters", "skip-schema", "ticks", String(own), ...because, ...yes);
      expect(said).toContain(`schema ${own} is the topic's own`);
      expect(commandsIn(said, "skip-schema")).toEqual(commandsIn(next, "skip-schema"));
      expect(commandsIn(said, "set-aside")).toEqual(commandsIn(next, "set-aside"));
    }
    expect(await count("tradetape.allowed_letters")).toBe(0);

    const { stdout: preview } = await run("dead-letters", "preview", "ticks");
    expect(preview).toContain(`1,200 invalid (schema ${own}: 1,200), as`);
    for (const word of ["set-aside", "skip-schema"]) expect(commandsIn(preview, word)).toEqual(commandsIn(next, word));

    expect(await runShown(next, "skip-schema")).toContain("its group tries again by itself within a minute");
    await expect.poll(() => letters("ticks")).toBe(1200);
    await runs("ticks");
    expect(await allowedNow()).toMatchObject([{ topic: tape.name("ticks"), schemaId: own, letters: 1200 }]);
    const shown = (soFar: string) =>
      new RegExp(`schema ${own} become letters without stopping the group${soFar}; .*looked at`);
    expect((await run("status")).stdout).toMatch(shown(""));
    expect((await run("verify")).stdout).toMatch(shown(", 1,200 so far"));
  });

  test("is ended by the command that status shows, audited like its making; then there is none to end", async () => {
    await runShown((await run("status")).stdout, "skip-schema");
    expect(await allowedNow()).toEqual([]);
    await expect
      .poll(() => entries("SKIP_SCHEMA"))
      .toMatchObject([
        { schema_id: own, ended: false, every_writer: true },
        { schema_id: own, ended: true, note: "looked at" },
      ]);
    const said = await refused("dead-letters", "skip-schema", "ticks", String(own), ...because, "--end", "--yes");
    expect(said).toContain("No schema is skipped");
    await tape.raw("ticks", await badTicks(3000, 1000));
    await stopped("ticks");
    expect(await letters("ticks")).toBe(1200);
  });

  test("that nothing waiting has is refused, with those that it has: one nobody knows, and another topic's", async () => {
    const anothers = (await tape.encode("bars", bar(1))).readInt32BE(1);
    for (const id of [4_242_424, anothers]) {
      for (const yes of [[], ["--yes"]]) {
        const said = await refused("dead-letters", "skip-schema", "ticks", String(id), ...because, ...yes);
        expect(said).toContain(`no event of ${tape.name("ticks")} that waits is written with schema ${id}`);
        expect(said).toMatch(new RegExp(`written with schema ${own};`));
      }
    }
    const said = await refused("dead-letters", "skip-schema", "quotes", "4242424", ...because, "--yes");
    expect(said).toContain("Nothing of");
    expect(await allowedNow()).toEqual([]);
  });

  test("that is the newest of the topic's subject is refused, too, where this program has an older one", async () => {
    const schema = JSON.parse(EVENT_SCHEMAS.tick.json) as { fields: object[] };
    schema.fields.push({ name: "extra", type: ["null", "string"], default: null });
    const url = `${tape.config.schemaRegistryUrl}/subjects/${tape.name("ticks")}-value/versions`;
    const headers = { "content-type": "application/vnd.schemaregistry.v1+json" };
    const body = JSON.stringify({ schema: JSON.stringify(schema) });
    const answer = await fetch(url, { method: "POST", headers, body });
    const { id: newest } = (await answer.json()) as { id: number };
    expect(newest).not.toBe(own);
    const newer = (await badTicks(5000, 1)).map(({ value }) => {
      const longer = Buffer.concat([value, Buffer.of(0)]);
      longer.writeInt32BE(newest, 1);
      return { value: longer };
    });
    await tape.raw("ticks", newer);
    for (const id of [own, newest]) {
      expect(await refused("dead-letters", "skip-schema", "ticks", String(id), ...because)).toContain(
        "the topic's own",
      );
    }
    expect((await run("dead-letters", "preview", "ticks")).stdout).toContain(
      `(schema ${own}: 1,000, schema ${newest}: 1)`,
    );
    await runShown(await stopped("ticks"), "set-aside");
    await expect.poll(() => letters("ticks")).toBe(2201);
    await runs("ticks");
  });

  test("is among the answers where few of the letters name it, and works as it is shown", async () => {
    const alien = Array.from({ length: 2 }, () => ({ value: Buffer.from([0, 0x3b, 0x9a, 0xca, 0x00, 1]) }));
    await tape.raw("bars", [...garbage(1100), ...alien]);
    const next = await stopped("bars");
    expect(next).toContain("schema 1000000000 (2 of these letters)");
    expect(await runShown(next, "skip-schema")).toContain("schema 1000000000");
    await runShown(next, "set-aside");
    await expect.poll(() => letters("bars")).toBe(1102);
    await runs("bars");
    expect(await allowedNow()).toMatchObject([{ schemaId: 1_000_000_000, letters: 2 }]);
    await runShown((await run("verify")).stdout, "skip-schema");
  });
});

describe("what is set aside", () => {
  const open = () => count("tradetape.allowed_letters WHERE ended_at IS NULL AND topic = $1", tape.name("quotes"));

  test("is shown until it has landed, and can be taken back before, audited", async () => {
    await tape.raw("quotes", garbage(3));
    const { stdout } = await run("dead-letters", "set-aside", "quotes", ...because, "--yes");
    expect(stdout).toContain("no process lands it now: `tradetape consume quotes` does");
    const [range] = await allowedNow();
    expect(range).toMatchObject({ topic: tape.name("quotes"), partition: 0, fromOffset: 0, nextOffset: 3, letters: 0 });
    const ended = await runShown((await run("status")).stdout, "set-aside");
    expect(ended).toContain("of 3 offsets, what can't land is counted again");
    expect([await allowedNow(), await open()]).toEqual([[], 0]);
    expect(await refused("dead-letters", "set-aside", "quotes", ...because, "--end", "--yes")).toContain(
      "nothing is set",
    );

    await run("dead-letters", "set-aside", "quotes", ...because, "--yes");
    await tape.raw("quotes", garbage(1));
    expect(await allowedNow()).toHaveLength(1);
    await tape.land("quotes");
    expect([await allowedNow(), await open()]).toEqual([[], 1]);
    expect((await run("status")).stdout).not.toContain("set-aside");
    expect(await refused("dead-letters", "set-aside", "quotes", ...because, "--end")).toContain("nothing is set");
    const deeds = [false, true, false].map((ended) => ({ from_offset: 0, next_offset: 3, ended }));
    await expect
      .poll(async () => (await entries("SET_ASIDE")).filter(({ next_offset }) => next_offset === 3))
      .toMatchObject(deeds);
  });

  test("is shown as long as one of its events is parked, which a preview tells of, too", async () => {
    await tape.publish("predictions", prediction(1, { symbol_id: idOf("nobody's") }));
    await tape.land("predictions");
    const { stdout: preview } = await run("dead-letters", "preview", "predictions");
    expect(preview).toMatch(/nothing waits in the log\n1 events are parked \(schema \d+: 1\)/);
    await runShown(preview, "set-aside");
    expect(await allowedNow()).toMatchObject([{ topic: tape.name("predictions"), letters: 0 }]);
    await runShown((await run("verify")).stdout, "set-aside");
  });
});

test("a replay that stops for letters says what is true of a replay, which goes on by it", async () => {
  const { databaseUrl } = await isolate("replayed");
  const replay = ["replay", "--into", databaseUrl, "--topics", "bars", "--json"];
  const { code, stderr } = await run(...replay);
  expect(code).toBe(2);
  const { error } = JSON.parse(stderr.trim().split("\n").at(-1)!) as { error: { code: string; next: string } };
  expect(error.code).toBe("too_many_letters");
  expect(commandsIn(error.next, "set-aside")).toEqual([]);
  const [name, value] = /(TRADETAPE_LETTER_SHARE_MAX)=(1)/.exec(error.next)!.slice(1);
  const again = await tradetape(replay, { ...environmentOf(tape.config), [name!]: value });
  expect(again.code, again.stderr).toBe(0);
});

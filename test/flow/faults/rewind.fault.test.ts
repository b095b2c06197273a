import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { environmentOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { replayInto } from "../../support/replay.ts";
import { idOf, prediction, symbol, tick } from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  env = environmentOf(tape.config);
});
afterAll(() => tape.stop());

/** Puts events and bytes into a topic's partition 0, one after the other. */
async function append(topic: EventTopic, events: readonly (object | string)[]): Promise<void> {
  const bytes = (event: object | string) =>
    typeof event === "string" ? Buffer.from(event) : tape.encode(topic, event);
  await tape.raw(topic, await Promise.all(events.map(async (event) => ({ value: await bytes(event) }))));
}

async function runs(args: readonly string[], code: number, of = env) {
  const ended = await tradetape(args, of);
  expect(ended.code, `${args.join(" ")}: ${ended.stdout}${ended.stderr}`).toBe(code);
  return ended;
}
const json = async <R>(args: readonly string[], code: number) =>
  JSON.parse((await runs([...args, "--json"], code)).stdout) as R;

interface Plan {
  readonly partitions: readonly Record<string, unknown>[];
}

const UNKNOWN = idOf("a symbol that comes later");
const lettersOf = (topic: EventTopic) =>
  tape.query(
    `SELECT "offset", reason, state, rewind FROM tradetape.dead_letter WHERE topic = $1 ORDER BY rewind, "offset"`,
    [tape.name(topic)],
  );

describe("a topic that was made again, with letters and parked events at the same offsets as before", () => {
  const rewind = ["rewind", "predictions"];

  test("is named by status, by consume and by a dry run, each with what to do", async () => {
    await append("predictions", [prediction(0), "garbage", prediction(1), prediction(2), prediction(3), prediction(4)]);
    await append("predictions", [prediction(5, { symbol_id: UNKNOWN }), "more garbage"]);
    await tape.land("predictions");
    await tape.land("audit");
    await runs(["status"], 0);
    expect(await json<Plan>([...rewind, "--dry-run"], 0)).toEqual({ dryRun: true, partitions: [] });
    const { stderr } = await runs([...rewind, "--reason", "why"], 2);
    expect(stderr).toContain("nothing to rewind");

    await tape.remake("predictions");
    await append("predictions", [prediction(0), "other garbage", prediction(7)]);
    await append("predictions", [prediction(8, { symbol_id: idOf("never") })]);
    const rows = await json<{ topic: string; partition: number; cut: boolean; breach: string | null }[]>(["status"], 1);
    const found = rows.filter(({ cut }) => cut);
    expect(found).toMatchObject([{ topic: tape.name("predictions"), partition: 0, breach: "topic" }]);
    const stopped = await runs(["consume", "predictions", "--until-caught-up"], 2);
    expect(stopped.stderr).toContain("history_lost");
    expect(stopped.stderr).toContain("`tradetape rewind predictions --reason WHY`");
    expect(await json<Plan>([...rewind, "--dry-run"], 0)).toMatchObject({
      dryRun: true,
      partitions: [
        {
          partition: 0,
          breach: "topic",
          landed: 8,
          log: { begins: 0, ends: 4 },
          to: 0,
          rows: 5,
          letters: 2,
          parked: 1,
        },
      ],
    });
    expect(await lettersOf("predictions")).toMatchObject([
      { offset: 1, rewind: 0 },
      { offset: 7, rewind: 0 },
    ]);
  });

  test("isn't rewound while a group of it runs, and without a reason", async () => {
    await tape.query(
      `INSERT INTO tradetape.group_state (topic, process, state) VALUES ($1, 'elsewhere/1', 'running')`,
      [tape.name("predictions")],
    );
    const { stderr } = await runs([...rewind, "--reason", "why"], 2);
    expect(stderr).toContain(`${tape.name("predictions")} in elsewhere/1 (running)`);
    await tape.query("DELETE FROM tradetape.group_state WHERE process = 'elsewhere/1'");
    expect((await runs(rewind, 2)).stderr).toContain("--reason");
  });

  test("lands from its beginning once it is rewound: new events are rows, those that come again are duplicates", async () => {
    await runs([...rewind, "--reason", "somebody deleted it"], 0);
    const { predictions } = await tape.land("predictions");
    expect(predictions).toMatchObject({ read: 4, written: 1, duplicate: 1, dead: 1, parked: 1 });
    await tape.land("audit");
    await runs(["status"], 0);
  });

  test("keeps the letters of the log before, beside those that lie at their offsets now", async () => {
    expect(await lettersOf("predictions")).toEqual([
      { offset: 1, reason: "not_avro", state: "open", rewind: 0 },
      { offset: 1, reason: "not_avro", state: "open", rewind: 1 },
      { offset: 6, reason: "log_cut", state: "open", rewind: 1 },
      { offset: 7, reason: "not_avro", state: "open", rewind: 1 },
    ]);
    const { stdout } = await runs(["dead-letters", "show", "predictions/0/1"], 0);
    expect(stdout).toContain("another letter had this offset in a log that rewind 1 found cut");
    const told = await tape.query(
      `SELECT source_offset AS "offset", payload ->> 'reason' AS reason FROM public.audit_log
       WHERE event_type = 'DEAD_LETTER' AND source_topic = $1 ORDER BY 1, 2`,
      [tape.name("predictions")],
    );
    expect(told.map(({ offset, reason }) => `${offset} ${reason}`)).toEqual([
      "1 not_avro",
      "1 not_avro",
      "6 log_cut",
      "7 not_avro",
    ]);
    expect(await lettersOf("audit")).toEqual([]);
  });

  test("leaves verify and the audit log good, and names the rows that no log has any more", async () => {
    const { stdout } = await runs(["verify", "--full"], 0);
    expect(stdout).toContain(
      `${tape.name("predictions")}/0: 5 rows landed from another log than the partition has now`,
    );
    expect(stdout).toContain("rewound from offset 8 to 0");
    expect(stdout).toContain("somebody deleted it");
    await runs(["audit", "verify", "--tables"], 0);
    expect(await ledgerFaults(tape)).toEqual([]);
    const entries = await tape.query<{ payload: Record<string, unknown> }>(
      "SELECT payload::jsonb FROM public.audit_log WHERE event_type = 'LOG_REWOUND'",
    );
    const facts = { from_offset: 8, to_offset: 0, breach: "topic", reason: "somebody deleted it", rows: 5 };
    expect(entries.map(({ payload }) => payload)).toMatchObject([{ ...facts, letters: 2, parked: 1, rewinds: 1 }]);
  });

  test("redrives what was parked when the log lost it, once its parent is there", async () => {
    await tape.publish("symbols", symbol({ symbol_id: UNKNOWN, ticker: "LATER" }));
    await tape.land("symbols");
    await runs(["dead-letters", "redrive", "--reason", "log_cut", "--yes", "--wait", "0"], 0);
    expect((await tape.land("predictions")).predictions).toMatchObject({ written: 1, dead: 0 });
    await tape.land("audit");
    await runs(["verify", "--full"], 0);
  });

  test("differs from a database that was filled from the new log by what it alone has had, which is excused", async () => {
    const { databaseUrl } = await isolate("rewound-fresh");
    await tape.publish("symbols", symbol({ symbol_id: idOf("never"), ticker: "NEVER" }));
    await tape.land();
    await runs(["replay", "--into", databaseUrl], 0);
    const { stdout } = await runs(["verify", "--against", databaseUrl], 0);
    expect(stdout).toContain("landed from logs that were cut");
  });
});

describe("a database whose replay was cut off", () => {
  test("isn't rewound until the replay has finished by the command that the error names", async () => {
    const target = await tape.beside("rewound-replay");
    const { databaseUrl } = target.config;
    const of = { ...env, DATABASE_URL: databaseUrl };
    const phase = (now: string) => {
      if (now === "settling") throw new Error("cut off");
    };
    await expect(replayInto(tape, databaseUrl, { onlooker: { phase } })).rejects.toThrow("cut off");
    await target.query("UPDATE tradetape.landed_offset SET cluster_id = 'former' WHERE topic = $1 AND partition = 0", [
      tape.name("predictions"),
    ]);
    const rewind = ["rewind", "predictions", "--reason", "mirror"];
    const { stderr } = await runs(rewind, 2, of);
    expect(stderr).toContain("replay_partial");
    const [, command] = /`tradetape (replay --into)`/.exec(stderr)!;
    await runs([...command!.split(" "), databaseUrl], 0, of);
    await runs(rewind, 0, of);
    await runs(["consume", "--until-caught-up"], 0, of);
    await runs(["verify"], 0, of);
    await target.stop();
  });
});

describe("another cluster", () => {
  const topic = () => tape.name("ticks");
  const rewind = ["rewind", "ticks", "--partition", "0"];
  const landedOf = async () =>
    (
      await tape.query<{ next: number; rewinds: number }>(
        "SELECT next_offset AS next, rewinds FROM tradetape.landed_offset WHERE topic = $1 AND partition = 0",
        [topic()],
      )
    )[0]!;
  /** As if what landed had come from a cluster that was replaced. */
  const replaceCluster = (name = topic()) =>
    tape.query("UPDATE tradetape.landed_offset SET cluster_id = 'former' WHERE topic = $1 AND partition = 0", [name]);

  test("is gone on from behind the record that landed last, and nowhere else above the beginning", async () => {
    await append("ticks", [tick(0), tick(1), tick(2)]);
    await tape.land("ticks");
    await replaceCluster();
    await append("ticks", [tick(3), tick(4)]);
    const stopped = await runs(["consume", "ticks", "--until-caught-up"], 2);
    expect(stopped.stderr).toContain("landed here from the Kafka cluster former");
    for (const wrong of ["2", "4", "99"]) {
      const { stderr } = await runs([...rewind, "--to", wrong, "--reason", "mirror"], 2);
      expect(stderr).toContain(`can't go on at offset ${wrong}`);
    }
    await runs([...rewind, "--to", "3", "--reason", "mirror"], 0);
    expect(await landedOf()).toEqual({ next: 3, rewinds: 1 });
    expect((await tape.land("ticks")).ticks).toMatchObject({ read: 2, written: 2, duplicate: 0 });
  });

  test("lands again from its beginning, by itself: the same batches make receipts of their own and no row twice", async () => {
    await tape.land("audit");
    await replaceCluster();
    await runs([...rewind, "--reason", "mirror"], 0);
    expect(await landedOf()).toEqual({ next: 0, rewinds: 2 });
    expect((await tape.land("ticks")).ticks).toMatchObject({ read: 5, written: 0, duplicate: 5 });
    // The same offsets of the same records for a third time.
    await replaceCluster();
    await runs([...rewind, "--reason", "mirror"], 0);
    expect((await tape.land("ticks")).ticks).toMatchObject({ read: 5, written: 0, duplicate: 5 });
    await tape.land("audit");
    expect(await lettersOf("audit")).toEqual([]);
    await runs(["verify", "--full"], 0);
    await runs(["audit", "verify", "--tables"], 0);
    expect(await ledgerFaults(tape)).toEqual([]);
  });

  test("lands the audit log again, too: each entry is there already, and the rewind's own is the next of the chain", async () => {
    const entries = async () => (await tape.query<{ n: number }>("SELECT count(*) AS n FROM public.audit_log"))[0]!.n;
    const before = await entries();
    await replaceCluster(tape.name("audit"));
    await runs(["rewind", "audit", "--reason", "mirror"], 0);
    const { audit } = await tape.land("audit");
    // The log has the entry of a letter twice, which both this database and the one that was replayed into had.
    expect(audit).toMatchObject({ written: 1, duplicate: audit.read - 1, dead: 0 });
    expect(await entries()).toBe(before + 1);
    await runs(["verify", "--full"], 0);
    await runs(["audit", "verify"], 0);
  });

  test("is taken up by a group that was stopped and is tried again", async () => {
    await replaceCluster();
    const stop = new AbortController();
    const landing = tape.landWith(["ticks", "symbols"], { stop: stop.signal, untilCaughtUp: false });
    try {
      const state = async () =>
        (await tape.query("SELECT state FROM tradetape.group_state WHERE topic = $1", [topic()]))[0];
      await expect.poll(state).toEqual({ state: "stopped" });
      await runs([...rewind, "--to", "5", "--reason", "mirror"], 0);
      await append("ticks", [tick(5)]);
      const rows = async () =>
        (await tape.query<{ n: number }>("SELECT count(*) AS n FROM public.market_data_tick"))[0]!.n;
      await expect.poll(rows).toBe(6);
      await expect.poll(state).toEqual({ state: "running" });
    } finally {
      stop.abort();
    }
    await landing;
  });
});

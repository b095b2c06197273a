import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { predictions as PREDICTIONS } from "../../../consumers/predictions.ts";
import { encodeBatch } from "../../../src/batch/encode/encode.ts";
import { landBatch } from "../../../src/batch/land/land.ts";
import type { LandingPlan } from "../../../src/batch/land/landing-plan.ts";
import { openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { makeLandingPlan } from "../../../src/batch/run/make-landing-plan.ts";
import { encodeEvent } from "../../../src/event/codec.ts";
import { openLog } from "../../../src/log.ts";
import { Connection } from "../../../src/table/connection.ts";
import { claimPartition, type LandedOffset } from "../../../src/table/landing/landed.ts";
import { advance } from "../../../src/table/landing/ledger.ts";
import { ConnectionSlot } from "../../../src/table/pool/slot.ts";
import { recordsOf } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { audit, prediction, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

const count = async (sql: string, values: readonly unknown[] = []) =>
  (await tape.query<{ n: number }>(`SELECT count(*) AS n FROM ${sql}`, values))[0]!.n;

/** Aborts by itself at the end of the test, so that a failing one leaves nothing running. */
async function whileConsuming(topic: "predictions" | "ticks", during: () => Promise<void>) {
  const stop = new AbortController();
  const landing = tape.landWith([topic], { stop: stop.signal, untilCaughtUp: false });
  try {
    await Promise.race([during(), landing]);
  } finally {
    stop.abort();
  }
  return (await landing)[topic];
}

describe("a batch commits whole or not at all", () => {
  const sessions = (which: string) => `pg_stat_activity WHERE datname = current_database() AND ${which}`;
  const waiting = () => count(sessions("application_name LIKE '%landing%' AND query = 'ROLLBACK'"));

  test.each([
    ["the outbox", "INSERT ON tradetape.outbox"],
    ["the ledger and next_offset", "EXECUTE ON FUNCTION tradetape.advance"],
    ["the table", "INSERT ON public.model_prediction"],
    ["anything, by its lock,", "EXECUTE ON FUNCTION tradetape.lock_partitions"],
  ])(
    "when the right to write %s is taken away, nothing of it is visible, no letter is written, and it waits",
    async (_, right) => {
      const before = await count("public.model_prediction");
      const letters = await count("tradetape.dead_letter");
      const tally = await whileConsuming("predictions", async () => {
        // The group runs and has its place before the right is gone, as in life: it has landed one.
        await tape.publish("predictions", prediction(before));
        await expect.poll(() => count("public.model_prediction")).toBe(before + 1);
        const ledger = await count("tradetape.landed_batch");
        await tape.query(`REVOKE ${right} FROM tradetape_lander`);
        await tape.publish("predictions", prediction(before + 1));
        await expect.poll(waiting).not.toBe(0);
        expect([await count("public.model_prediction"), await count("tradetape.landed_batch")]).toEqual([
          before + 1,
          ledger,
        ]);
        await tape.query(`GRANT ${right} TO tradetape_lander`);
        await expect.poll(() => count("public.model_prediction")).toBe(before + 2);
      });
      expect(tally).toMatchObject({ read: 2, written: 2, dead: 0 });
      expect(await count("tradetape.dead_letter")).toBe(letters);
      await tape.land("audit");
      expect(await ledgerFaults(tape)).toEqual([]);
    },
  );

  test("when the database ends the session in the middle, it is taken up again and lands once", async () => {
    const before = await count("public.market_data_tick");
    const tally = await whileConsuming("ticks", async () => {
      for (let n = 0; n < 3; n++) {
        await tape.publish("ticks", tick(before + n));
        await expect.poll(() => count("public.market_data_tick")).toBe(before + n + 1);
        const ended = await tape.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE application_name LIKE 'tradetape/%landing%' AND datname = current_database()`,
        );
        expect(ended.length).toBeGreaterThan(0);
      }
    });
    expect(tally).toMatchObject({ read: 3, written: 3 });
    await tape.land("ticks");
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

describe("a database that is set back, as by a failover to a replica that lacks the last commits", () => {
  test("gets the lost part again from the log, while the consumer runs", async () => {
    await tape.query("TRUNCATE public.market_data_tick");
    await tape.query("DELETE FROM tradetape.landed_batch WHERE topic = $1", [tape.name("ticks")]);
    const setBack = () =>
      tape.query("UPDATE tradetape.landed_offset SET next_offset = origin, last_offset = NULL WHERE topic = $1", [
        tape.name("ticks"),
      ]);
    await setBack();
    const before = 3;
    const tally = await whileConsuming("ticks", async () => {
      await expect.poll(() => count("public.market_data_tick")).toBe(before);
      await tape.query("TRUNCATE public.market_data_tick");
      await tape.query("DELETE FROM tradetape.landed_batch WHERE topic = $1", [tape.name("ticks")]);
      await setBack();
      await tape.publish("ticks", tick(before));
      await expect.poll(() => count("public.market_data_tick")).toBe(before + 1);
    });
    expect(tally).toMatchObject({ read: 2 * before + 1, dead: 0 });
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

describe("landing a batch", () => {
  let plan: LandingPlan;
  let connection: Connection;
  let close: () => Promise<void>;
  let claimed: LandedOffset;
  /** A partition that Kafka doesn't assign, so that only this test lands there. */
  const PARTITION = 77;

  beforeAll(async () => {
    const services = await openLandingServices(tape.config, openLog(tape.config));
    plan = await makeLandingPlan(services, PREDICTIONS);
    for (const id of plan.encoder.reader.missing([await tape.encode("predictions", prediction())])) {
      await services.registry.fetch(id);
    }
    connection = await Connection.open(tape.config.databaseUrl, { name: "test", role: "tradetape_lander" });
    claimed = await claimPartition(connection, plan.topicName, PARTITION, 100, services.clusterId);
    close = async () => {
      await connection.close();
      await services.close();
    };
  });
  afterAll(() => close());

  /** The batch [first, next) of predictions numbered by their offsets. */
  async function batch(first: number, next: number) {
    const id = (await tape.encode("predictions", prediction())).readInt32BE(1);
    const values = Array.from({ length: next - first }, (_, n) =>
      encodeEvent("predictions", id, prediction(5000 + first + n)),
    );
    const range = { firstOffset: first, nextOffset: next, from: 0 };
    return encodeBatch(plan.encoder, PARTITION, recordsOf(values, first), range);
  }
  const land = async (first: number, next: number) => landBatch(connection, plan, await batch(first, next), false);
  const rowsHere = () => count("public.model_prediction WHERE source_partition = $1", [PARTITION]);

  test("twice changes nothing the second time", async () => {
    expect(await land(100, 110)).toMatchObject({ kind: "landed", nextOffset: 110, ledger: { read: 10, written: 10 } });
    expect(await land(100, 110)).toEqual({ kind: "stale", nextOffset: 110 });
    expect(await rowsHere()).toBe(10);
  });

  test("that begins below next_offset is trimmed to what is new", async () => {
    const landing = await land(105, 120);
    expect(landing).toMatchObject({
      kind: "landed",
      ledger: { firstOffset: 110, nextOffset: 120, read: 10, written: 10 },
    });
    expect(await rowsHere()).toBe(20);
  });

  test("that begins beyond next_offset is refused", async () => {
    expect(await land(121, 130)).toEqual({ kind: "ahead", nextOffset: 120 });
    expect(await rowsHere()).toBe(20);
  });

  test("that was read before its partition was rewound is refused, whatever its offsets", async () => {
    const origin = { rewinds: 0, claims: 1, leaderEpoch: 3, topicId: "t" };
    const rewinds = (n: number) =>
      tape.query("UPDATE tradetape.landed_offset SET rewinds = $2 WHERE topic = $1 AND partition = $3", [
        ...[plan.topicName, n],
        PARTITION,
      ]);
    await rewinds(1);
    for (const old of [await batch(110, 120), await batch(115, 130), await batch(120, 130), await batch(121, 130)]) {
      const landing = await landBatch(connection, plan, { ...old, origin }, false);
      expect(landing).toEqual({ kind: "ahead", nextOffset: 120 });
    }
    expect(await rowsHere()).toBe(20);
    await rewinds(0);
  });

  test("that was read under an earlier claim is refused, unless all of it has landed", async () => {
    const again = await claimPartition(connection, plan.topicName, PARTITION, 100, "another cluster");
    expect(again).toMatchObject({ nextOffset: 120, origin: 100, claims: claimed.claims + 1 });
    const refused = { kind: "ahead", nextOffset: 120 };
    const landed = { kind: "stale", nextOffset: 120 };
    for (const [first, next, expected] of [
      [110, 120, landed],
      [115, 130, refused],
      [120, 130, refused],
    ] as const) {
      const origin = { rewinds: 0, claims: claimed.claims, leaderEpoch: 3, topicId: "t" };
      expect(await landBatch(connection, plan, { ...(await batch(first, next)), origin }, false)).toEqual(expected);
    }
    expect(await rowsHere()).toBe(20);
  });

  test("is claimed without waiting for a standby where nothing else commits with it", async () => {
    const waitsFor = async (...commits: ("local" | "as set")[]) => {
      await connection.query("BEGIN");
      await claimPartition(connection, plan.topicName, PARTITION, 100, "another cluster", ...commits);
      const [set] = await connection.query<{ waits: string }>("SELECT current_setting('synchronous_commit') AS waits");
      await connection.query("ROLLBACK");
      return set!.waits;
    };
    const asSet = await connection.query<{ waits: string }>("SELECT current_setting('synchronous_commit') AS waits");
    expect([await waitsFor("local"), await waitsFor()]).toEqual(["local", asSet[0]!.waits]);
    expect(asSet[0]!.waits).not.toBe("local");
  });

  test("with letters in the part that is trimmed away doesn't write them again", async () => {
    const overlapping = await batch(115, 125);
    const letters = [
      { index: 2, reason: "invalid", detail: "before" },
      { index: 7, reason: "invalid", detail: "behind" },
    ] as const;
    const { rows } = overlapping;
    const without = (list: ArrayLike<number>) => Array.from(list).filter((_, n) => n !== 7);
    // Row 7 is the letter's: its bytes go as well, so that the rows stay whole.
    const bytes = Buffer.concat([rows.bytes.subarray(0, rows.ends[6]), rows.bytes.subarray(rows.ends[7])]);
    const gap = rows.ends[7]! - rows.ends[6]!;
    const ends = without(rows.ends).map((end, n) => (n >= 7 ? end - gap : end));
    const kept = { bytes, ends, indexes: without(rows.indexes) };
    const landing = await landBatch(connection, plan, { ...overlapping, letters, rows: kept }, false);
    expect(landing).toMatchObject({ kind: "landed", ledger: { read: 5, written: 4, dead: 1 } });
    const found = await tape.query("SELECT detail FROM tradetape.dead_letter WHERE partition = $1", [PARTITION]);
    expect(found).toEqual([{ detail: "behind" }]);
  });

  test("that is empty but for holes moves next_offset and says so", async () => {
    const empty = await batch(125, 125);
    const landing = await landBatch(connection, plan, { ...empty, nextOffset: 131 }, false);
    expect(landing).toMatchObject({ kind: "landed", nextOffset: 131, ledger: { read: 0, holes: 6 } });
  });

  test("by two owners at the same moment lands once: the second waits for the lock and finds nothing left", async () => {
    const before = await rowsHere();
    const other = await Connection.open(tape.config.databaseUrl, { name: "zombie", role: "tradetape_lander" });
    const same = await batch(131, 141);
    const both = await Promise.all([connection, other].map((owner) => landBatch(owner, plan, same, false)));
    await other.close();
    expect(both.map(({ kind, nextOffset }) => [kind, nextOffset]).sort()).toEqual([
      ["landed", 141],
      ["stale", 141],
    ]);
    expect(await rowsHere()).toBe(before + 10);
  });

  test("by an owner whose lock didn't hold is refused by the comparison of next_offset itself", async () => {
    const counts = {
      holes: 0,
      lost: 0,
      read: 10,
      written: 10,
      duplicate: 0,
      replaced: 0,
      superseded: 0,
      dead: 0,
      parked: 0,
      filtered: 0,
    };
    const late = { kind: "batch", firstOffset: 131, nextOffset: 141, ...counts } as const;
    await connection.query("BEGIN");
    await expect(advance(connection, plan.topicName, { partition: PARTITION, ledger: late })).rejects.toThrow(
      "moved under our lock",
    );
    await connection.query("ROLLBACK");
    await tape.query("DELETE FROM tradetape.outbox WHERE source_partition = $1", [PARTITION]);
  });
});

describe("the outbox", () => {
  const audits = () => count("public.audit_log WHERE event_type = 'MANUAL'");
  async function leaveBehind(
    values: readonly Buffer[],
    headers: object = {},
    topic: "audit" | "dead-letters" = "audit",
  ) {
    for (const value of values) {
      await tape.query(
        "INSERT INTO tradetape.outbox (source_topic, source_partition, topic, value, headers) VALUES ($1, 0, $2, $3, $4)",
        [tape.name("symbols"), tape.name(topic), value, JSON.stringify(headers)],
      );
    }
  }

  test("that a dead owner left behind is published by the next one, once each and in order", async () => {
    const values = await Promise.all([1, 2, 3].map((n) => tape.encode("audit", audit(n))));
    await leaveBehind(values);
    await tape.land("symbols");
    expect(await count("tradetape.outbox")).toBe(0);
    await tape.land("audit");
    const found = await tape.query("SELECT log_id FROM public.audit_log WHERE event_type = 'MANUAL' ORDER BY seq");
    expect(found).toEqual([1, 2, 3].map((n) => ({ log_id: audit(n).log_id })));
  });

  test("published twice, as after a crash before it was forgotten, is in the audit log once", async () => {
    const before = await audits();
    const values = await Promise.all([2, 3, 4, 4].map((n) => tape.encode("audit", audit(n))));
    await leaveBehind(values);
    await tape.land("symbols");
    const { audit: tally } = await tape.land("audit");
    expect(tally).toMatchObject({ written: 1, duplicate: 3 });
    expect(await audits()).toBe(before + 1);
    expect((await ledgerFaults(tape)).filter((fault) => fault.includes("audit_log"))).toEqual([]);
  });

  test("goes out in requests that the broker takes, however large its headers are", async () => {
    const padding = Buffer.alloc(40_000, "x").toString("base64");
    await leaveBehind(Array(300).fill(Buffer.of(1)) as Buffer[], { padding }, "dead-letters");
    await tape.land("symbols");
    expect(await count("tradetape.outbox")).toBe(0);
  });
});

describe("a session", () => {
  test("that commits a transaction which had failed says so, where PostgreSQL calls it a success", async () => {
    const session = await Connection.open(tape.config.databaseUrl, { name: "test" });
    await session.query("BEGIN");
    await expect(session.query("SELECT 1 / 0")).rejects.toMatchObject({ code: "22012" });
    await expect(session.commit()).rejects.toThrow("COMMIT of a transaction that had failed");
    expect(await session.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await session.close();
  });

  test("isn't opened again once its place was closed, behind which those that asked before are served", async () => {
    const name = "test closed slot";
    const slot = new ConnectionSlot(tape.config.databaseUrl, { name });
    const before = slot.use((session) => session.query("SELECT pg_sleep(0.1), 1 AS one"));
    const closed = slot.close();
    await expect(slot.use(async () => "served")).rejects.toMatchObject({
      code: "database_unreachable",
      canRetry: true,
    });
    expect(await before).toMatchObject([{ one: 1 }]);
    await closed;
    expect(await count("pg_stat_activity WHERE application_name LIKE $1", [`%${name}`])).toBe(0);
  });
});

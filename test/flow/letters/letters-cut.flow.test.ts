import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentOf, landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { redriveAll } from "../../support/letters.ts";
import { idOf, session } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";
import { verifiedTables } from "../audit/tampering.ts";

/** A topic's events may be this large at first, and MIB later. */
const BYTES_MAX = 2048;
const MIB = 1024 * 1024;

let tape: TestTape;
let place = "";

beforeAll(async () => {
  tape = await openTestTape({ eventBytesMax: String(BYTES_MAX) });
  place = `${tape.name("sessions")}/0`;
});
afterAll(() => tape.stop());

/** A session whose configuration takes so many bytes. */
const large = (n: number, bytes: number) =>
  tape.encode(
    "sessions",
    session({ backtest_session_id: idOf(`large ${n}`), config: JSON.stringify("x".repeat(bytes)) }),
  );

async function landRaw(...values: Buffer[]): Promise<void> {
  await tape.raw(
    "sessions",
    values.map((value) => ({ value, key: "k", headers: { note: "n" } })),
  );
  await tape.land("sessions");
}

const landLarge = () => landBy({ ...tape.config, eventBytesMax: MIB }, ["sessions"]);
const redrive = () => redriveAll(tape, { topics: [tape.name("sessions")] });

const letters = () =>
  tape.query<{
    offset: number;
    reason: string;
    kept: number;
    bytes: number | null;
    sha256: string | null;
    state: string;
  }>(
    `SELECT "offset"::int, reason, octet_length(value) AS kept, value_bytes::int AS bytes, encode(value_sha256, 'hex') AS sha256,
       state FROM tradetape.dead_letter WHERE topic = $1 ORDER BY "offset"`,
    [tape.name("sessions")],
  );
const sessions = async () =>
  (await tape.query<{ n: number }>("SELECT count(*)::int AS n FROM public.backtest_session"))[0]!.n;
const sha256 = (value: Buffer) => createHash("sha256").update(value).digest("hex");

test("an event that is too large is kept by its beginning, length and digest, and lands whole once it may", async () => {
  const values = [await large(0, 100), await large(1, 5000), await large(2, 9000), Buffer.from("no event")];
  await landRaw(...values);
  expect(await letters()).toEqual([
    { offset: 1, reason: "too_large", kept: 1024, bytes: values[1]!.length, sha256: sha256(values[1]!), state: "open" },
    { offset: 2, reason: "too_large", kept: 1024, bytes: values[2]!.length, sha256: sha256(values[2]!), state: "open" },
    { offset: 3, reason: "not_avro", kept: 8, bytes: null, sha256: null, state: "open" },
  ]);
  const copy = (await tape.read("dead-letters")).find(({ key }) => String(key) === `${place}/1`)!;
  expect([copy.value, String(copy.headers["tradetape-value-sha256"])]).toEqual([null, sha256(values[1]!)]);

  const shown = await tradetape(["dead-letters", "show", "sessions/0/1"], environmentOf(tape.config));
  expect(shown.stdout, shown.stderr).toContain(`SHA-256 ${sha256(values[1]!)}`);
  expect(shown.stdout).toContain("only its beginning is kept");

  const [sent] = await redrive();
  expect([sent!.offsets.length, sent!.gone]).toEqual([3, []]);
  const again = (await tape.read("sessions")).slice(values.length);
  expect(again.map(({ value }) => sha256(value!))).toEqual(values.slice(1).map(sha256));
  expect(again.map(({ key, headers }) => [String(key), String(headers.note)])).toEqual([1, 2, 3].map(() => ["k", "n"]));
  expect(await landLarge()).toMatchObject([{ written: 2, dead: 1 }]);
  expect([await sessions(), await ledgerFaults(tape)]).toEqual([3, []]);
});

test("what the log has no longer, or not as it was, stays a letter and is said; the others are sent", async () => {
  const before = (await tape.read("sessions")).length;
  const values = await Promise.all([3, 4, 5].map((n) => large(n, 5000)));
  await landRaw(...values);
  const setDigest = (digest: string) =>
    tape.query(`UPDATE tradetape.dead_letter SET value_sha256 = decode($1, 'hex') WHERE "offset" = $2`, [
      digest,
      before + 1,
    ]);
  await setDigest(sha256(Buffer.from("other")));
  const topic = tape.name("sessions");
  await tape.admin(async (admin) => {
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(before + 1) }] });
  });
  const { code, stdout, stderr } = await tradetape(
    ["dead-letters", "redrive", "--topic", "sessions", "--reason", "too_large", "--wait", "0", "--yes"],
    environmentOf(tape.config),
  );
  expect(code, stderr).toBe(1);
  expect(stdout).toContain("1 events sent again");
  expect(stdout).toContain(
    `${place}/${before} can't be sent, only its beginning is kept: the log begins at offset ${before + 1}`,
  );
  expect(stdout).toContain(
    `${place}/${before + 1} can't be sent, only its beginning is kept: the log has another record`,
  );
  const open = (await letters()).filter(({ state, reason }) => state === "open" && reason === "too_large");
  expect(open.map(({ offset }) => offset)).toEqual([before, before + 1]);
  expect(await landLarge()).toMatchObject([{ written: 1 }]);

  const [none] = await redriveAll(tape, { topics: [tape.name("sessions")], reason: "too_large" });
  expect([none!.offsets, none!.gone.map(({ offset }) => offset)]).toEqual([[], [before, before + 1]]);
  await setDigest(sha256(values[1]!));
});

test("of a log that was cut since nothing is read: another record has the offset now", async () => {
  await tape.query(`UPDATE tradetape.dead_letter SET rewind = 1 WHERE state = 'open' AND reason = 'too_large'`);
  const all = await redriveAll(tape, { topics: [tape.name("sessions")], reason: "too_large" });
  const whys = all.flatMap(({ gone }) => gone.map(({ why }) => why));
  expect(whys).toEqual(["the log was cut since, and lost it", "the log was cut since, and lost it"]);
});

test("an event that another database landed and this one has the beginning of is no row that is missing", async () => {
  const there = await tape.beside("there");
  const database = { databaseUrl: there.config.databaseUrl };
  await tape.raw("sessions", [{ value: await large(6, 5000) }]);
  await landBy({ ...tape.config, ...database, eventBytesMax: MIB }, ["sessions"]);
  await tape.land("sessions");
  // Entries hold the events' fields, and are as large.
  await landBy({ ...tape.config, eventBytesMax: MIB }, ["audit"]);
  const [entries] = await tape.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM public.audit_log a JOIN tradetape.dead_letter d ON a.source_topic = d.topic
       AND a.source_partition = d.partition AND a.source_offset = d."offset"
     WHERE a.event_type = 'SESSION' AND a.payload ->> 'value_sha256' = encode(d.value_sha256, 'hex')`,
  );
  expect(entries!.n).toBeGreaterThan(0);
  const report = await verifiedTables(tape);
  expect(report.ok, JSON.stringify(report.entries)).toBe(true);
  await there.stop();
});

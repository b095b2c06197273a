import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { chainHash } from "../../../src/audit/chain.ts";
import { asReader } from "../../../src/cli/services.ts";
import type { AuditEvent } from "../../../src/event/events.ts";
import { openLog } from "../../../src/log.ts";
import { SIGNATURE_HEADER, signBy } from "../../../src/signature/entry-signature.ts";
import { inSnapshot } from "../../../src/table/checks/ledger-check.ts";
import { Connection } from "../../../src/table/connection.ts";
import { entryOf as storedEntry } from "../../../src/table/landing/chain.ts";
import { EventLog } from "../../../src/verify/rows/event-log.ts";
import type { Signing } from "../../../src/verify/signed-entries.ts";
import { verifyTopics } from "../../../src/verify/topics/topics.ts";
import { compareTapes, rowsOf } from "../../support/comparison.ts";
import { environmentOf } from "../../support/landing.ts";
import { redriveAll } from "../../support/letters.ts";
import { replayInto } from "../../support/replay.ts";
import { audit, decision, fill, prediction, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type RawEvent, type Row, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

const folder = mkdtempSync(join(tmpdir(), "tradetape-signed-"));
const at = (name: string) => join(folder, name);
const [lander, desk, stranger] = [0, 1, 2].map(() => generateKeyPairSync("ed25519")) as [Pair, Pair, Pair];
interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
const base64 = ({ publicKey }: Pair) => publicKey.export({ format: "der", type: "spki" }).toString("base64");
const [LANDER, DESK] = [`lander ${base64(lander)} *`, `desk ${base64(desk)} desk-agent`];

let tape: TestTape;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  writeFileSync(at("lander.key"), lander.privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  writeFileSync(at("keys"), `${LANDER}\n${DESK}\n`);
  writeFileSync(at("desk-alone"), DESK);
  tape = await openTestTape({ auditSignFile: at("lander.key"), auditKeysFile: at("keys") });
  env = environmentOf(tape.config);
});
afterAll(async () => {
  await tape.stop();
  rmSync(folder, { recursive: true });
});

/** An entry of somebody's own, and what its record carries beside it. */
async function entryOf(n: number, change: Partial<AuditEvent>, key?: Pair, topic = tape.name("audit")) {
  const value = await tape.encode("audit", audit(n, { event_type: "NOTE", ...change }));
  const headers = key === undefined ? {} : { ...signBy(key.privateKey)(topic, value) };
  return { value, headers } satisfies RawEvent;
}

/** Where an entry lies that was published by one client. */
const publish = async (event: RawEvent) => (await tape.raw("audit", [event])).get(0)!;

const rowsBy = (of: TestTape, where: string) =>
  of.query<{ type: string; by: string | null; n: number }>(
    `SELECT event_type AS type, signed_by AS by, count(*)::int AS n FROM public.audit_log WHERE ${where}
     GROUP BY 1, 2 ORDER BY 1, 2`,
  );
const keyOf = async (id: string, of = tape) =>
  (await of.query("SELECT signed_by AS by FROM public.audit_log WHERE log_id = $1", [id])).map(({ by }) => by);
const letterAt = async (offset: number) =>
  (
    await tape.query('SELECT reason, detail FROM tradetape.dead_letter WHERE topic = $1 AND "offset" = $2', [
      tape.name("audit"),
      offset,
    ])
  )[0];

async function verified(): Promise<{ ok: boolean; signing: Signing; warnings: string[]; faults: Row[] }> {
  const { stdout, stderr } = await tradetape(["audit", "verify", "--json"], env);
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

test("whatever a process with a key says to the audit topic is signed, and lands with the key's name", async () => {
  await tape.publish("symbols", symbol());
  await tape.publish("ticks", tick());
  await tape.publish("predictions", prediction());
  await tape.publish("decisions", decision());
  await tape.publish("fills", fill());
  await tape.publish("audit", audit(0, { actor: "desk-agent" }), { headers: { [SIGNATURE_HEADER]: "a client's own" } });
  await tape.raw("fills", [{ value: null }, { value: Buffer.from("x") }]);
  await tape.land();
  const discard = ["dead-letters", "discard", "--topic", "fills", "--reason-text", "noise", "--yes"];
  expect((await tradetape(discard, env)).stderr).toBe("");
  await tape.land("fills", "audit");
  const checkpoint = ["audit", "checkpoint", "--sign", at("lander.key"), "--out", at("kept.jsonl")];
  expect((await tradetape(checkpoint, env)).stderr).toBe("");
  const other = await tape.beside("replayed");
  expect(await replayInto(tape, other.config.databaseUrl, { topics: ["audit"] })).toMatchObject({ ok: true });
  await tape.land("audit");
  const found = await rowsBy(tape, "true");
  expect(found.filter(({ by }) => by !== "lander")).toEqual([]);
  expect(found.map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      ...["CHECKPOINT", "DEAD_LETTER", "DISCARD", "MODEL_RUN", "RECEIPT", "REPLAY", "SYMBOL", "TRADE_DECISION"],
      audit().event_type,
    ]),
  );
  await other.stop();
});

test("a stranger's entry lands unsigned, is counted, and is named with its actor", async () => {
  const own = await entryOf(1, { actor: "desk-agent" }, desk);
  const forged = audit(2, { event_type: "NOTE", actor: "ceo", payload: '{"said":"sell everything"}' });
  await publish(own);
  await publish({ value: await tape.encode("audit", forged) });
  await publish(await entryOf(3, { actor: "desk-agent" }));
  await tape.land("audit");
  expect([await keyOf(audit(1).log_id), await keyOf(forged.log_id)]).toEqual([["desk"], [null]]);
  const { ok, signing, warnings } = await verified();
  expect([ok, signing.unsigned]).toEqual([true, 2]);
  expect(signing.signed).toEqual({ desk: 1, lander: expect.any(Number) });
  expect(signing.actors).toMatchObject([
    { actor: "desk-agent", entries: 1, afterSigned: 1, logId: audit(3).log_id },
    { actor: "ceo", entries: 1, afterSigned: 0, logId: forged.log_id },
  ]);
  expect(warnings).toContainEqual(expect.stringContaining("1 entries aren't signed, though"));
  const { stdout } = await tradetape(["audit", "verify"], env);
  expect(stdout).toContain("unsigned: 2 (1 of desk-agent, 1 of ceo)");
  const status: { topic: string; signing: object | null }[] = JSON.parse(
    (await tradetape(["status", "--json"], env)).stdout,
  );
  const told = status.filter((row) => row.signing !== null).map((row) => [row.topic, row.signing]);
  expect(told).toEqual([[tape.name("audit"), { signed: signing.signed.lander! + 1, unsigned: 2 }]]);
  const whole = await tradetape(["verify", "--json"], env);
  expect(JSON.parse(whole.stdout).signing).toEqual(signing);
  expect((await tradetape(["verify"], env)).stdout).toContain("unsigned: 2 (1 of desk-agent, 1 of ceo)");
});

test("a forged signature is a letter that says what is wrong with it, whatever was forged, and the group goes on", async () => {
  const ceo = await entryOf(10, { actor: "ceo" }, desk);
  const mine = await entryOf(11, { actor: "desk-agent" }, desk);
  const other = await entryOf(12, { actor: "desk-agent" }, desk);
  const changed = Buffer.from(mine.headers[SIGNATURE_HEADER]!);
  changed[99] = changed[99] === 48 ? 49 : 48;
  const forged: [RawEvent, string][] = [
    [ceo, 'desk may not speak for "ceo"'],
    [{ ...mine, headers: other.headers }, "it isn't what desk signed for this topic"],
    [{ ...mine, headers: { [SIGNATURE_HEADER]: changed } }, "it isn't what desk signed for this topic"],
    [await entryOf(13, { actor: "desk-agent" }, stranger), "isn't known"],
    [await entryOf(14, { actor: "desk-agent" }, desk, "live.audit"), "it isn't what desk signed for this topic"],
    [{ ...mine, headers: { [SIGNATURE_HEADER]: "" } }, "its signature is none"],
    [{ ...mine, headers: { [SIGNATURE_HEADER]: [mine.headers[SIGNATURE_HEADER]!, "x"] } }, "it has 2 signatures"],
  ];
  const offsets: number[] = [];
  for (const [event] of forged) offsets.push(await publish(event));
  await publish(mine);
  await tape.land("audit");
  for (const [n, [, detail]] of forged.entries()) {
    const letter = await letterAt(offsets[n]!);
    expect(letter, detail).toEqual({ reason: "wrong_signature", detail: expect.stringContaining(detail) });
  }
  expect([await keyOf(audit(10).log_id), await keyOf(audit(11).log_id)]).toEqual([[], ["desk"]]);
});

test("a signed entry that somebody publishes again is a repeat, and other content under its id is a letter", async () => {
  const entry = await entryOf(20, { actor: "desk-agent" }, desk);
  await publish(entry);
  await publish(entry);
  const unsigned = await publish({ value: entry.value });
  const conflict = await publish(await entryOf(20, { actor: "desk-agent", payload: '{"said":"else"}' }, desk));
  const { audit: tally } = await tape.land("audit");
  expect(tally).toMatchObject({ written: 1, duplicate: 2, dead: 1 });
  expect([await keyOf(audit(20).log_id), await letterAt(unsigned)]).toEqual([["desk"], undefined]);
  expect(await letterAt(conflict)).toMatchObject({ reason: "conflicting_duplicate" });
});

describe("another database that is filled from the topics", () => {
  test("by the same keys has the same entries, the same marks and the same chain", async () => {
    await tape.land();
    const other = await tape.beside("alike");
    await replayInto(tape, other.config.databaseUrl);
    const found = await compareTapes(tape, other);
    expect([found.equal, rowsOf(found)]).toEqual([true, []]);
    const chain = "SELECT seq, signed_by, encode(hash, 'hex') AS hash FROM public.audit_log ORDER BY seq";
    expect(await other.query(chain)).toEqual((await tape.query(chain)).slice(0, (await other.query(chain)).length));
    await other.stop();
  });

  test("by other keys lacks what these don't know, which are letters, and a comparison says so", async () => {
    await tape.land();
    const other = await tape.beside("other keys");
    const config = { ...tape.config, auditKeysFile: at("desk-alone"), auditSignFile: undefined };
    await replayInto({ ...tape, config }, other.config.databaseUrl);
    expect(await rowsBy(other, "signed_by IS NOT NULL")).toEqual([{ type: "NOTE", by: "desk", n: 3 }]);
    const count = async (of: TestTape, from: string) =>
      (await of.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${from}`))[0]!.n;
    const letters = "tradetape.dead_letter WHERE reason = 'wrong_signature'";
    const unknown = await count(tape, "public.audit_log WHERE signed_by = 'lander'");
    expect(await count(other, letters)).toBe(unknown + (await count(tape, letters)));
    const found = await compareTapes(tape, other);
    expect(found.tables.filter(({ equal }) => !equal).map(({ table }) => table)).toEqual(["audit_log", "dead_letter"]);
    await other.stop();
  });

  test("is refused to a consumer whose own key speaks for some actors only: what others did would become letters", async () => {
    writeFileSync(at("few"), `${LANDER.replace("*", "consume")}\n${DESK}\n`);
    const { code, stderr } = await tradetape(["consume", "--until-caught-up", "--json"], {
      ...env,
      TRADETAPE_AUDIT_KEYS_FILE: at("few"),
    });
    expect([code, stderr]).toEqual([2, expect.stringContaining("file_unusable")]);
    expect(stderr).toContain("speaks for some actors only");
  });

  test("by no keys marks none, and a comparison names the mark that differs", async () => {
    await tape.land();
    const other = await tape.beside("no keys");
    const config = { ...tape.config, auditKeysFile: undefined, auditSignFile: undefined };
    await replayInto({ ...tape, config }, other.config.databaseUrl);
    expect(await rowsBy(other, "signed_by IS NOT NULL")).toEqual([]);
    const differing = rowsOf(await compareTapes(tape, other)).filter(([, , , { kind }]) => kind === "differs");
    expect(differing.map(([table, , , { columns }]) => [table, ...columns])).toContainEqual(["audit_log", "signed_by"]);
    await other.stop();
  });
});

test("a letter of a key that nobody knew lands as signed when it is redriven to those who know it", async () => {
  const entry = await entryOf(30, { actor: "auditor" }, stranger);
  const offset = await publish(entry);
  await tape.land("audit");
  expect(await letterAt(offset)).toMatchObject({ reason: "wrong_signature" });
  writeFileSync(at("keys"), `${LANDER}\n${DESK}\nauditor ${base64(stranger)} auditor\n`);
  await redriveAll(tape, { topics: [tape.name("audit")], reason: "wrong_signature" });
  await tape.land("audit");
  expect(await keyOf(audit(30).log_id)).toEqual(["auditor"]);
});

test("a mark that the topic doesn't bear out is named, however well the chain was made anew", async () => {
  await publish({ value: await tape.encode("audit", audit(40, { event_type: "NOTE", actor: "ceo" })) });
  await tape.land("audit");
  const found = () =>
    asReader(tape.config, "test", (connection) =>
      inSnapshot(connection, () =>
        verifyTopics(connection, CONSUMERS, new EventLog(tape.config, openLog(tape.config))),
      ),
    );
  expect(await found()).toMatchObject({ ok: true, findings: [] });
  const newest = "SELECT max(seq) FROM public.audit_log";
  const connection = await Connection.open(tape.config.databaseUrl, { name: "test" });
  const { fields, previous, hash, seq } = (await storedEntry(connection, audit(40).log_id))!;
  const forged = chainHash(previous, [...fields.slice(0, -1), "lander"]);
  const mark = (by: string | null, with_: Buffer) =>
    connection.query(`BEGIN; SET LOCAL session_replication_role = replica; UPDATE public.audit_log
      SET signed_by = ${by === null ? "NULL" : `'${by}'`}, hash = '\\x${with_.toString("hex")}' WHERE seq = (${newest}); COMMIT`);
  await mark("lander", forged);
  const told = await found();
  const { ok } = await verified();
  await mark(null, hash);
  await connection.close();
  expect([ok, told]).toMatchObject([
    true,
    { ok: false, findings: [{ detail: `entry ${seq} (${audit(40).log_id}) isn't what the topic has: signed_by` }] },
  ]);
});

test("whoever takes a mark away or puts one on breaks the chain", async () => {
  const [signed, unsigned] = await Promise.all(
    ["IS NOT NULL", "IS NULL"].map(
      async (is) =>
        (
          await tape.query<{ seq: number }>(`SELECT min(seq)::int AS seq FROM public.audit_log WHERE signed_by ${is}`)
        )[0]!.seq,
    ),
  );
  for (const [seq, by] of [
    [signed, "NULL"],
    [signed, "'desk'"],
    [unsigned, "'lander'"],
  ] as const) {
    const asOwner = (sql: string) => tape.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}; COMMIT`);
    await asOwner(`CREATE TABLE public.kept AS SELECT signed_by FROM public.audit_log WHERE seq = ${seq};
      UPDATE public.audit_log SET signed_by = ${by} WHERE seq = ${seq}`);
    const { ok, faults } = await verified();
    await asOwner(`UPDATE public.audit_log SET signed_by = (SELECT signed_by FROM public.kept) WHERE seq = ${seq};
      DROP TABLE public.kept`);
    expect([ok, faults], by).toMatchObject([false, [{ kind: "content", seq }]]);
  }
  expect((await verified()).ok).toBe(true);
});

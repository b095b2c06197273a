import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chainHash } from "../../../src/audit/chain.ts";
import type { ChainFault } from "../../../src/verify/chain-walk.ts";
import { environmentOf } from "../../support/landing.ts";
import { decision, fill, prediction } from "../../support/samples.ts";
import { openTapeWithSymbol, type Row, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;
let env: NodeJS.ProcessEnv;
const folder = mkdtempSync(join(tmpdir(), "tradetape-audit-"));
const at = (name: string) => join(folder, name);
const WORKFLOWS = 12;
/** MODEL_RUN, TRADE_DECISION, TRADE_SUBMIT and TRADE_EXECUTION of each workflow, and the symbol's. */
const ENTRIES = 4 * WORKFLOWS + 1;

interface Verified {
  readonly ok: boolean;
  readonly entries: number;
  readonly head: { readonly seq: number; readonly hash: string };
  readonly checkpoints: number;
  readonly faults: readonly ChainFault[];
}

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  env = environmentOf(tape.config);
  for (let n = 0; n < WORKFLOWS; n++) {
    await Promise.all([
      tape.publish("predictions", prediction(n)),
      tape.publish("decisions", decision(n, { reason: n === 3 ? 'é \u{1f600} "quoted"' : "all checks passed" })),
      tape.publish("fills", fill(n)),
    ]);
  }
  await tape.land();
  for (const name of ["audit", "other"]) {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    writeFileSync(at(`${name}.key`), privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
    writeFileSync(at(`${name}.pub`), publicKey.export({ format: "pem", type: "spki" }));
  }
  const signed = await tradetape(["audit", "checkpoint", "--sign", at("audit.key"), "--out", at("kept.jsonl")], env);
  expect([signed.code, signed.stderr]).toEqual([0, ""]);
  await tape.land("audit");
  await tape.query("CREATE TABLE public.kept_log AS SELECT * FROM public.audit_log");
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await tape.stop();
});

async function verified(...flags: string[]): Promise<[code: number, Verified]> {
  const { code, stdout, stderr } = await tradetape(["audit", "verify", "--json", ...flags], env);
  expect(stderr).toBe("");
  return [code, JSON.parse(stdout) as Verified];
}
const KEPT = ["--checkpoints", at("kept.jsonl"), "--key", at("audit.pub")];

/** As a superuser who knows what he is doing: the triggers don't fire. */
const asSuperuser = (sql: string) => tape.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}; COMMIT`);

async function tampered(sql: string, ...flags: string[]): Promise<[code: number, Verified]> {
  await asSuperuser(sql);
  try {
    return await verified(...flags);
  } finally {
    await asSuperuser("TRUNCATE public.audit_log; INSERT INTO public.audit_log SELECT * FROM public.kept_log");
  }
}

const idAt = async (seq: number) =>
  (await tape.query<{ id: string }>("SELECT log_id AS id FROM public.kept_log WHERE seq = $1", [seq]))[0]!.id;

describe("a whole log", () => {
  test("is found whole, with its checkpoint, which is in the file, on the topic and in the log", async () => {
    const [code, found] = await verified(...KEPT);
    expect([code, found]).toMatchObject([0, { ok: true, entries: ENTRIES + 1, checkpoints: 2, faults: [] }]);
    const [line] = readFileSync(at("kept.jsonl"), "utf8").trim().split("\n");
    const [entry] = await tape.query("SELECT * FROM public.audit_log WHERE event_type = 'CHECKPOINT'");
    expect(entry!.payload).toEqual(JSON.parse(line!));
    expect(String(entry!.actor)).not.toBe("");
    expect(JSON.parse(line!)).toMatchObject({ seq: ENTRIES, log_id: await idAt(ENTRIES) });
  });

  test("may be looked at in part, from one entry to another", async () => {
    expect(await verified("--from", "10", "--to", "19")).toMatchObject([
      0,
      { ok: true, entries: 10, head: { seq: 19 } },
    ]);
    expect(await verified("--from", "40", "--to", "99")).toMatchObject([1, { faults: [{ kind: "tail" }] }]);
  });

  test("that another database was filled with from the same topic has the same chain", async () => {
    const other = await tape.beside("again");
    await other.land("audit");
    const [here, there] = await Promise.all(
      [tape, other].map((one) =>
        one.query("SELECT seq, encode(hash, 'hex') AS hash FROM public.audit_log ORDER BY seq"),
      ),
    );
    expect(there).toEqual(here);
    await other.stop();
  });

  test("is verified from its export by the lines of docs/audit.md alone, which see one changed letter", async () => {
    const { code } = await tradetape(["audit", "export", "--jsonl", at("log.jsonl")], env);
    expect(code).toBe(0);
    const script = /```python\n([\s\S]*?)```/.exec(readFileSync("docs/audit.md", "utf8"))![1]!;
    const python = (file: string) => promisify(execFile)("python3", ["-c", script, at(file)]);
    const [, { head }] = await verified();
    expect((await python("log.jsonl")).stdout.trim()).toBe(head.hash);
    const text = readFileSync(at("log.jsonl"), "utf8");
    expect(text.trim().split("\n")).toHaveLength(ENTRIES + 1);
    writeFileSync(at("altered.jsonl"), text.replace("all checks passed", "all checks paSsed"));
    await expect(python("altered.jsonl")).rejects.toThrow(/entry \d+ .*expected/);
    const { stdout } = await tradetape(["audit", "export", "--jsonl", "--from", "2", "--to", "3"], env);
    expect(stdout).toBe(`${text.split("\n").slice(1, 3).join("\n")}\n`);
  });
});

describe("audit verify names", () => {
  test("one byte changed in one row", async () => {
    const sql = `UPDATE public.audit_log SET actor = overlay(actor placing 'X' from 1 for 1) WHERE seq = 17`;
    const [code, { faults, entries }] = await tampered(sql);
    expect([code, entries]).toEqual([1, 16]);
    const stored = await tape.query("SELECT encode(hash, 'hex') AS hash FROM public.kept_log WHERE seq = 17");
    expect(faults).toMatchObject([{ kind: "content", seq: 17, logId: await idAt(17), expected: stored[0]!.hash }]);
    expect(faults[0]!.found).toMatch(/^[0-9a-f]{64}$/);
  });

  test("one row removed from the middle", async () => {
    expect(await tampered("DELETE FROM public.audit_log WHERE seq = 20")).toMatchObject([
      1,
      { faults: [{ kind: "sequence", seq: 21, logId: await idAt(21), expected: "entry 20", found: "entry 21" }] },
    ]);
  });

  test("the newest ten removed, by the checkpoint that was kept, and without one by the ledger", async () => {
    const cut = `DELETE FROM public.audit_log WHERE seq > ${ENTRIES + 1 - 10}`;
    const gone = { kind: "tail", seq: ENTRIES - 8, logId: null };
    expect(await tampered(cut, ...KEPT)).toMatchObject([1, { faults: [{ ...gone, expected: `entry ${ENTRIES}` }] }]);
    expect(await tampered(cut)).toMatchObject([1, { faults: [{ ...gone, expected: `entry ${ENTRIES + 1}` }] }]);
  });

  test("two rows swapped, by their numbers or by their content", async () => {
    const numbers = `UPDATE public.audit_log SET seq = -1 WHERE seq = 8; UPDATE public.audit_log SET seq = 8 WHERE seq = 9;
      UPDATE public.audit_log SET seq = 9 WHERE seq = -1`;
    expect(await tampered(numbers)).toMatchObject([1, { faults: [{ kind: "link", seq: 8, logId: await idAt(9) }] }]);
    // With what tells an entry from every other: two of the same kind may say the same, in an order that differs by run.
    const content = `UPDATE public.audit_log a SET payload = b.payload, actor = b.actor, event_type = b.event_type,
      source_topic = b.source_topic, source_partition = b.source_partition, source_offset = b.source_offset
      FROM public.kept_log b WHERE (a.seq, b.seq) IN ((8, 9), (9, 8))`;
    expect(await tampered(content)).toMatchObject([1, { faults: [{ kind: "content", seq: 8, logId: await idAt(8) }] }]);
  });

  test("one inserted, in the middle, at the end or before the first", async () => {
    const shift = `UPDATE public.audit_log SET seq = -seq WHERE seq > 30;
      UPDATE public.audit_log SET seq = 1 - seq WHERE seq < 0;`;
    const insert = (seq: number) =>
      `INSERT INTO public.audit_log SELECT (jsonb_populate_record(k, jsonb_build_object('seq', ${seq},
        'log_id', '00000000-0000-5000-8000-000000000001'))).* FROM public.kept_log k WHERE k.seq = 30`;
    const added = { seq: 31, logId: "00000000-0000-5000-8000-000000000001" };
    expect(await tampered(`${shift} ${insert(31)}`)).toMatchObject([1, { faults: [{ kind: "link", ...added }] }]);
    expect(await tampered(insert(ENTRIES + 2))).toMatchObject([1, { faults: [{ kind: "link", seq: ENTRIES + 2 }] }]);
    for (const seq of [0, -7]) {
      const before = { kind: "sequence", seq, logId: added.logId };
      expect(await tampered(insert(seq), ...KEPT)).toMatchObject([1, { entries: 0, faults: [before] }]);
    }
  });

  test("a log that was made anew behind a changed entry, whose every link holds, by its checkpoint", async () => {
    const [code, { faults, entries }] = await tampered(await madeAnew(5), ...KEPT);
    expect([code, entries]).toEqual([1, ENTRIES + 1]);
    // The file's and the log's own say so.
    expect(faults).toMatchObject([
      { kind: "checkpoint", seq: ENTRIES, logId: await idAt(ENTRIES) },
      { kind: "checkpoint", seq: ENTRIES },
    ]);
  });

  test("a checkpoint that was altered, or signed by somebody else", async () => {
    const kept = readFileSync(at("kept.jsonl"), "utf8");
    writeFileSync(at("forged.jsonl"), kept.replace(/"seq":\d+/, '"seq":3'));
    const flags = ["--checkpoints", at("forged.jsonl"), "--key", at("audit.pub")];
    expect(await verified(...flags)).toMatchObject([1, { faults: [{ kind: "signature", seq: 3 }] }]);
    expect(await verified("--key", at("other.pub"))).toMatchObject([1, { faults: [{ kind: "signature" }] }]);
  });
});

/** The statements that change one entry and link everything behind it again, as who knows the encoding can. */
async function madeAnew(seq: number): Promise<string> {
  const rows = await tape.query<{ seq: number; prev_hash: Buffer; fields: (string | null)[] }>(
    `SELECT seq, prev_hash, ARRAY[log_id::text, (extract(epoch FROM "timestamp") * 1000000)::bigint::text, event_type,
       CASE WHEN seq = $1 THEN 'nobody' ELSE actor END, payload::text, success::text, backtest_session_id::text,
       correlation_id, source_topic, source_partition::text, source_offset::text] AS fields
     FROM public.kept_log WHERE seq >= $1 ORDER BY seq`,
    [seq],
  );
  let previous = rows[0]!.prev_hash;
  const links = rows.map((row) => {
    const hash = chainHash(previous, row.fields);
    const link = `UPDATE public.audit_log SET prev_hash = '\\x${previous.toString("hex")}', hash = '\\x${hash.toString("hex")}'
      WHERE seq = ${row.seq}`;
    previous = hash;
    return link;
  });
  return [`UPDATE public.audit_log SET actor = 'nobody' WHERE seq = ${seq}`, ...links].join("; ");
}

describe("audit prove", () => {
  test("proves one entry by a few hashes to somebody who has the public key and nothing else", async () => {
    const id = await idAt(20);
    const args = ["audit", "prove", id, "--checkpoints", at("kept.jsonl"), "--out", at("proof.json"), "--json"];
    const { code, stdout } = await tradetape(args, env);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { seq: 20, hashes: 6, checkpoint: ENTRIES }]);
    const check = (file: string, key: string) =>
      tradetape(["audit", "prove", "--check", at(file), "--key", at(key), "--json"]);
    const proof = readFileSync(at("proof.json"), "utf8");
    writeFileSync(at("altered.json"), proof.replace('"actor": "', '"actor": "x'));
    // A field that isn't hashed is not proved, so it is not shown as if it were.
    writeFileSync(at("adorned.json"), proof.replace('"actor": "', '"approved_by": "the board", "actor": "'));
    const adorned = await check("adorned.json", "audit.pub");
    expect([adorned.code, JSON.parse(adorned.stdout).entry]).toEqual([0, JSON.parse(proof).entry]);
    const [good, altered, stranger] = await Promise.all([
      check("proof.json", "audit.pub"),
      check("altered.json", "audit.pub"),
      check("proof.json", "other.pub"),
    ]);
    expect([good.code, JSON.parse(good.stdout)]).toMatchObject([0, { ok: true, seq: 20, entry: { log_id: id } }]);
    expect([altered.code, JSON.parse(altered.stdout)]).toMatchObject([
      1,
      { fault: expect.stringContaining("entry 20") },
    ]);
    expect([stranger.code, JSON.parse(stranger.stdout)]).toMatchObject([
      1,
      { fault: expect.stringContaining("signed") },
    ]);
  });

  test("refuses what has no entry or no checkpoint behind it, and what is no proof", async () => {
    const newest = await idAt(ENTRIES + 1);
    const refused = await Promise.all(
      [
        ["audit", "prove", newest],
        ["audit", "prove", "00000000-0000-5000-8000-000000000002"],
        ["audit", "prove", "--check", at("audit.pub"), "--key", at("audit.pub")],
        ["audit", "checkpoint", "--sign", at("audit.pub"), "--out", at("kept.jsonl")],
      ].map((args) => tradetape(args, env)),
    );
    expect(refused.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    for (const { stderr } of refused) expect(stderr).toContain("input_invalid");
  });

  test("files are written for their user alone and through no link, and a key that others can read signs nothing", async () => {
    const id = await idAt(20);
    writeFileSync(at("victim"), "precious");
    symlinkSync("victim", at("link"));
    cpSync(at("audit.key"), at("open.key"));
    chmodSync(at("open.key"), 0o644);
    const writing = (file: string) => [
      ["audit", "export", "--jsonl", at(file)],
      ["audit", "prove", id, "--checkpoints", at("kept.jsonl"), "--out", at(file)],
      ["audit", "checkpoint", "--sign", at("audit.key"), "--out", at(file)],
    ];
    for (const [i, args] of writing("written").entries()) {
      if (i > 0) rmSync(at("written"));
      expect([(await tradetape(args, env)).code, statSync(at("written")).mode & 0o777], args[1]).toEqual([0, 0o600]);
    }
    writeFileSync(at("victim"), "");
    const linked = await Promise.all(writing("link").map((args) => tradetape(args, env)));
    for (const { code, stderr } of linked)
      expect([code, stderr]).toEqual([2, expect.stringContaining("symbolic link")]);
    expect(readFileSync(at("victim"), "utf8")).toBe("");
    const { code, stderr } = await tradetape(
      ["audit", "checkpoint", "--sign", at("open.key"), "--out", at("kept.jsonl")],
      env,
    );
    expect([code, stderr]).toEqual([2, expect.stringContaining("open.key has mode 0644, so others than its owner")]);
  });
});

test("the log only grows: nobody changes, deletes or empties it, neither by rights nor, as its owner, by mistake", async () => {
  for (const sql of [
    "UPDATE public.audit_log SET actor = 'x'",
    "DELETE FROM public.audit_log",
    "TRUNCATE public.audit_log",
  ]) {
    for (const role of ["tradetape_lander", "tradetape_reader", "tradetape_ops"]) {
      await expect(tape.queryAs(role, sql), `${role}: ${sql}`).rejects.toThrow("permission denied");
    }
    await expect(tape.queryAs("tradetape_owner", sql), sql).rejects.toThrow("audit_log only grows");
    await expect(tape.query(sql), sql).rejects.toThrow("audit_log only grows");
  }
  const rows = await tape.query<Row>("SELECT * FROM public.audit_log EXCEPT SELECT * FROM public.kept_log");
  expect(rows).toEqual([]);
});

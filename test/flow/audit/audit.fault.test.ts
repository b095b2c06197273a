import { execFile } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const ENTRIES = 1_000_000;

let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.query(CHAIN);
}, 30 * 60_000);
afterAll(() => tape.stop());

/** The chain as SQL alone makes it: the encoding of docs/audit.md, written a second time. */
const CHAIN = `DO $$
DECLARE
  previous bytea := decode(repeat('00', 32), 'hex');
  hash bytea; content bytea; field text; id uuid; payload jsonb;
BEGIN
  FOR n IN 1..${ENTRIES} LOOP
    id := md5('a' || n)::uuid;
    payload := jsonb_build_object('event', jsonb_build_object('decision_id', md5('d' || n)::uuid));
    content := '';
    FOREACH field IN ARRAY ARRAY[id::text, '1709251200000000', 'TRADE_DECISION', 'big', payload::text, 'true', NULL, NULL,
        'decisions', '0', n::text] LOOP
      content := content || CASE WHEN field IS NULL THEN int4send(-1)
        ELSE int4send(octet_length(field)) || convert_to(field, 'UTF8') END;
    END LOOP;
    hash := sha256(previous || content);
    INSERT INTO public.audit_log VALUES (id, '2024-03-01T00:00Z', 'TRADE_DECISION', 'big', payload, true, NULL, NULL,
      'decisions', 0, n, n, previous, hash);
    previous := hash;
  END LOOP;
END $$`;

test(
  "audit verify of 1 M entries, hashed by SQL, holds and takes no more memory than 300,000 of them",
  async () => {
    const peak = async (...range: string[]) => {
      const preload = `process.on("exit", () => process.stderr.write("peak " + process.resourceUsage().maxRSS))`;
      const args = [
        "--import",
        `data:text/javascript,${encodeURIComponent(preload)}`,
        "src/cli/main.ts",
        "audit",
        "verify",
        "--json",
      ];
      const env = { ...process.env, DATABASE_URL: tape.config.databaseUrl };
      const started = performance.now();
      const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
        execFile(process.execPath, [...args, ...range], { env }, (_error, stdout, stderr) =>
          resolve({ stdout, stderr }),
        );
      });
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const mib = Number(/peak (\d+)/.exec(stderr)![1]) / 1024;
      const report = JSON.parse(stdout) as { entries: number; faults: { kind: string }[] };
      process.stdout.write(
        `audit verify ${range.join(" ")}: ${report.entries} entries in ${seconds} s, ${mib.toFixed(0)} MiB\n`,
      );
      return { mib, report };
    };
    // Below that, the heap is still growing to what its garbage collector likes: 292 MiB at 100,000, 343 at both of these.
    const few = await peak("--to", "300000");
    const all = await peak("--from", "2");
    expect([few.report, all.report]).toMatchObject([
      { entries: 300_000, faults: [] },
      { entries: ENTRIES - 1, faults: [] },
    ]);
    expect(all.mib - few.mib).toBeLessThan(64);
  },
  15 * 60_000,
);

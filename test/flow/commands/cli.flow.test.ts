import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import { isolate } from "../../support/services/isolation.ts";
import { errorsOf, tradetape } from "../../support/tradetape.ts";

const folder = mkdtempSync(join(tmpdir(), "tradetape-cli-"));
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  env = environmentOf(await isolate());
});

afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("setting up", () => {
  test("missing topics are found wrong, made on demand, and good from then on", async () => {
    const before = await tradetape(["topics", "--json"], env);
    expect(before.code).toBe(1);
    expect(JSON.parse(before.stdout).topics[0]).toMatchObject({ topic: "symbols", state: "missing" });
    expect((await tradetape(["topics", "--create"], env)).code).toBe(0);
    const after = await tradetape(["topics", "--json"], env);
    expect([after.code, JSON.parse(after.stdout).ok]).toEqual([0, true]);
    const kept = { retentionMs: -1, bytes: expect.any(Number), offsets: 0, gone: 0, mend: null };
    expect(JSON.parse(after.stdout).topics).toContainEqual(expect.objectContaining({ topic: "fills", ...kept }));
  });

  test("migrations are applied once; again there is nothing to do", async () => {
    const first = JSON.parse((await tradetape(["migrate", "--json"], env)).stdout);
    expect(first.applied.length).toBeGreaterThan(0);
    const again = JSON.parse((await tradetape(["migrate", "--json"], env)).stdout);
    expect(again).toMatchObject({ applied: [], already: first.applied.length });
  });

  test("up --use-environment makes topics and tables on the services of the environment, and says where they are", async () => {
    const { code, stdout, stderr } = await tradetape(["up", "--use-environment", "--json"], env);
    expect(code).toBe(0);
    expect(stderr).toContain(`Kafka at ${env.KAFKA_BROKERS}`);
    expect(JSON.parse(stdout)).toEqual({
      databaseUrl: env.DATABASE_URL,
      kafkaBrokers: env.KAFKA_BROKERS,
      schemaRegistryUrl: env.SCHEMA_REGISTRY_URL,
      origin: "environment",
    });
  });

  test("half of the services named is refused, with the names of the others", async () => {
    const { code, stderr } = await tradetape(["up", "--use-environment"], { KAFKA_BROKERS: "127.0.0.1:9092" });
    expect(code).toBe(2);
    expect(stderr).toContain("DATABASE_URL, SCHEMA_REGISTRY_URL");
  });

  test("a port where nobody listens is one sentence and exit code 2", async () => {
    const { code, stdout, stderr } = await tradetape(["topics"], { KAFKA_BROKERS: "127.0.0.1:1" });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.match(/ECONNREFUSED/g)).toHaveLength(1);
  });
});

const GOOD = "34200000,1815900,100,N,0,0";
const LINES = [GOOD, "34200001,1815900,100,N", "34200002,price,100,N,0,0", "34200003,1815900,-5,N,0,0", GOOD];

describe("publish", () => {
  test("rejects bad lines by number, sends the others, and says so with exit code 1", async () => {
    const path = file("20131007_trade.csv", `${LINES.join("\n")}\n`);
    const rejects = join(folder, "rejects.jsonl");
    const args = ["publish", "ticks", path, "--symbol", "IBM", "--format", "lean", "--date", "2013-10-07"];
    const ended = await tradetape([...args, "--json", "--rejects", rejects], env);
    expect([ended.code, errorsOf(ended)]).toEqual([1, []]);
    const result = JSON.parse(ended.stdout);
    expect(result).toMatchObject({ topic: "ticks", read: 5, sent: 2, rejected: 3 });
    expect(result.rejections.map((r: { line: number }) => r.line)).toEqual([2, 3, 4]);
    const written = readFileSync(rejects, "utf8").trimEnd().split("\n");
    expect(written.map((line) => JSON.parse(line))).toMatchObject(result.rejections);
    expect(written.map((line) => JSON.parse(line).text)).toEqual(LINES.slice(1, 4));
  });

  test("shows a person each bad line's place and reason, and the sum", async () => {
    const path = file("ibm_20131007.csv", `${LINES.join("\n")}\n`);
    const { code, stdout } = await tradetape(["publish", "ticks", path], env);
    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`^${path}:2: .+\n${path}:3: .+\n${path}:4: .+\n\n`));
    expect(stdout).toMatch(/lean +5 +2 +3 +0\n$/);
  });

  test("a dry run shows what was detected and the first events, and sends nothing", async () => {
    const path = file("ibm_20131008.csv", `${GOOD}\n`);
    const { code, stdout } = await tradetape(["publish", "ticks", path, "--dry-run", "--json"], {});
    expect(code).toBe(0);
    const [run] = JSON.parse(stdout).files;
    expect(run.description.format).toBe("lean");
    expect(run.description.decisions).toContainEqual({
      what: "day",
      value: "2013-10-08",
      decidedBy: "the file's name",
    });
    expect(run.events).toHaveLength(1);
  });

  test("a file that can't be read at all is one clear error and exit code 2", async () => {
    const empty = file("empty.csv", "");
    const binary = file("binary.csv", "\u0000\u0001\u0002");
    for (const path of [empty, binary, join(folder, "nowhere.csv")]) {
      const { code, stdout, stderr } = await tradetape(["publish", "ticks", path], env);
      expect([path, code, stdout]).toEqual([path, 2, ""]);
      expect(stderr).toMatch(/^tradetape: input_invalid: .+/m);
    }
  });
});

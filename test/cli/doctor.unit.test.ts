import { describe, expect, test } from "vitest";
import { redacted } from "../../src/cli/look/bundle.ts";
import { clockFinding, engineFindings } from "../../src/cli/look/doctor-database.ts";
import { admissionOf } from "../../src/cli/look/doctor-registry.ts";
import { type Config, readConfig } from "../../src/config.ts";
import type { ServerFacts } from "../../src/table/checks/server-facts.ts";

const facts = (change: Partial<ServerFacts> = {}): ServerFacts => ({
  version: "PostgreSQL 17.2 on x86_64-pc-linux-gnu",
  versionNumber: 170_002,
  encoding: "UTF8",
  engineSettings: [],
  bytes: 1000,
  nowMs: 0,
  ...change,
});

describe("an engine that landing can't rest on", () => {
  test.each<[string, Partial<ServerFacts>]>([
    [
      "CockroachDB",
      { version: "CockroachDB CCL v24.3.1 (x86_64-pc-linux-gnu, built 2024/12/09)", versionNumber: 130_000 },
    ],
    ["YugabyteDB", { version: "PostgreSQL 15.2-YB-2025.1.0.0-b0 on x86_64-pc-linux-gnu", versionNumber: 150_002 }],
    ["YugabyteDB", { engineSettings: ["yb_enable_optimizer_statistics"] }],
    ["Aurora Limitless", { engineSettings: ["rds_aurora.limitless_create_table_mode"] }],
  ])("is named: %s", (name, change) => {
    const [finding] = engineFindings("host/db", facts(change), 1);
    expect(finding).toMatchObject({ severity: "wrong", says: expect.stringContaining(name), next: expect.any(String) });
  });

  test.each([
    [140_011, "wrong"],
    [150_000, "told"],
    [180_001, "told"],
    [190_000, "doubtful"],
  ])("and so is a version: %i is %s", (versionNumber, severity) => {
    expect(engineFindings("host/db", facts({ versionNumber }), 1).at(-1)!.severity).toBe(severity);
  });
});

test.each([
  [1000, "good", ""],
  [2000, "good", ""],
  [3500, "doubtful", "1.5 s ahead of"],
  [-5000, "doubtful", "6.0 s behind"],
])("a clock that says %i between 1000 and 2000 is %s %s", (nowMs, severity, says) => {
  const found = clockFinding("database", nowMs, { beforeMs: 1000, afterMs: 2000 });
  expect(found).toMatchObject({ severity, says: expect.stringContaining(says) });
});

describe("which schemas are admitted", () => {
  const found = (admittedSubjects?: string) =>
    admissionOf(readConfig({ admittedSubjects }, {}), { warn: () => undefined });

  test.each([
    [undefined, "told", /or their record's name$/],
    ["vendor-*,ticks=x", "told", /, and by those of vendor-\*, ticks=x \(TRADETAPE_ADMITTED_SUBJECTS\)$/],
    ["ticks=*", "told", /, and by those of ticks=\* /],
    ["*", "doubtful", /by any schema of the registry/],
    ["a,*", "doubtful", /by any schema of the registry/],
  ])("is told: %s", (setting, severity, says) => {
    expect(found(setting)).toMatchObject({ about: "subjects", severity, says: expect.stringMatching(says) });
  });

  test("and a topic that there isn't is refused", () => {
    expect(() => found("trades=x")).toThrow("there is no topic trades");
  });
});

test("nothing of a secret is left in a report, wherever it stands in it", () => {
  const config = {
    databaseUrl: "postgres://tape:p%40ss%2Fword@db.test:5432/tape?sslmode=require&options=hidden%20too",
    schemaRegistryUrl: "https://a-token@registry.test/apis/path-token",
    kafkaSaslPassword: 'quo"ted',
    kafkaBrokers: ["broker.test:9092"],
  } as Partial<Config> as Config;
  const texts = ["p%40ss%2Fword", "p@ss/word", "a-token", "path-token", 'quo"ted', "hidden too"];
  const report = { says: texts.map((text) => `at ${text}!`), kept: ["broker.test:9092", "db.test", "require", "apis"] };
  const shown = redacted(report, config);
  expect(shown.says).toEqual(texts.map(() => "at (hidden)!"));
  expect(shown.kept).toEqual(report.kept);
});

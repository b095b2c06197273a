/**
 * `npm run test:versions`: the flows of landing, replay and migrating on each supported PostgreSQL, one version after the
 * other, with one Kafka and registry. `npm run test:versions -- 15 18` takes these. npm fetches binaries that aren't there.
 */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { table } from "../../src/cli/output.ts";
import { POSTGRES_PACKAGE } from "../../src/stack/programs.ts";
import { type StackUrls, startStack, stopStack } from "../../src/stack/stack.ts";
import { startCluster } from "../support/services/cluster.ts";
import { temporaryHome } from "../support/services/stack.ts";
import { ROOT } from "../support/source-tree.ts";
import { proveDump } from "./dump.ts";
import { failuresOf, type Results } from "./verdict.ts";

/** The newest of each that npm has. */
const VERSIONS: Readonly<Record<string, string>> = {
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
};

const FLOWS = ["landing", "writers", "rebuild", "revisions", "database", "audit"].map(
  (folder) => `test/flow/${folder}/`,
);

const CACHE = join(ROOT, "node_modules/.cache/tradetape-postgres");

/** The folder of a version's package. */
function fetchedPackage(version: string): string {
  const prefix = join(CACHE, version);
  const folder = join(prefix, "node_modules", POSTGRES_PACKAGE);
  if (existsSync(join(folder, "native"))) return folder;
  mkdirSync(prefix, { recursive: true });
  const args = [
    "install",
    "--prefix",
    prefix,
    "--no-save",
    "--no-audit",
    "--no-fund",
    `${POSTGRES_PACKAGE}@${version}`,
  ];
  execFileSync("npm", args, { cwd: prefix, stdio: "inherit" });
  return folder;
}

/** Runs the flows. @returns what Vitest found, or undefined where it didn't come so far */
async function runFlows(env: NodeJS.ProcessEnv, home: string, major: string): Promise<Results | undefined> {
  const [report, log] = [join(home, `${major}.json`), join(home, `${major}.log`)];
  const args = [
    "vitest",
    "run",
    "--project",
    "flow",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  const out = openSync(log, "w");
  const child = spawn("npx", [...args, ...FLOWS], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", out, out],
  });
  await new Promise((resolve) => child.once("close", resolve));
  closeSync(out);
  process.stdout.write(`PostgreSQL ${major}: all it said is in ${log}\n`);
  return existsSync(report) ? (JSON.parse(readFileSync(report, "utf8")) as Results) : undefined;
}

interface Row {
  readonly version: string;
  readonly files: number;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  readonly dump: string;
}

async function test(major: string, urls: StackUrls, home: string): Promise<Row> {
  const packageFolder = fetchedPackage(VERSIONS[major]!);
  const server = await startCluster(packageFolder);
  const started = performance.now();
  try {
    const [row] = await server.run<{ version: string }>(
      "postgres",
      "SELECT current_setting('server_version') AS version",
    );
    const env = {
      DATABASE_URL: server.urlOf("tradetape"),
      KAFKA_BROKERS: urls.kafkaBrokers,
      SCHEMA_REGISTRY_URL: urls.schemaRegistryUrl,
      TEST_POSTGRES_PACKAGE: packageFolder,
    };
    const results = await runFlows(env, home, major);
    for (const file of results?.testResults ?? []) {
      const failed = file.assertionResults.filter(({ status }) => status === "failed");
      for (const { fullName } of failed) process.stdout.write(`  failed: ${relative(ROOT, file.name)}: ${fullName}\n`);
      if (failed.length === 0 && file.status === "failed")
        process.stdout.write(`  failed: ${relative(ROOT, file.name)}\n`);
    }
    const seconds = Math.round((performance.now() - started) / 1000);
    const dump = await proveDump(server, packageFolder);
    return {
      version: row!.version,
      files: results?.testResults.length ?? 0,
      passed: results?.numPassedTests ?? 0,
      failed: failuresOf(results, dump),
      seconds,
      dump: dump.says,
    };
  } finally {
    await server.stop();
  }
}

const majors = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(VERSIONS);
const unknown = majors.filter((major) => VERSIONS[major] === undefined);
if (unknown.length > 0) throw new Error(`there is ${Object.keys(VERSIONS).join(", ")}, not ${unknown.join(", ")}`);
const home = mkdtempSync(join(tmpdir(), "tradetape-versions-"));
const stackHome = temporaryHome();
const stack = await startStack({ home: stackHome, ports: "random", launcher: "processes", detached: false });
const rows: Row[] = [];
try {
  for (const major of majors) rows.push(await test(major, stack.urls, home));
} finally {
  await stopStack(stackHome, { purge: true });
}
const head = ["PostgreSQL", "files", "passed", "failed", "seconds", "pg_dump without owners and rights"];
process.stdout.write(
  `${table(
    head,
    rows.map((row) => [row.version, row.files, row.passed, row.failed, row.seconds, row.dump]),
  )}\n`,
);
const failed = rows.reduce((sum, row) => sum + row.failed, 0);
process.stdout.write(`\n${rows.reduce((sum, row) => sum + row.passed, 0)} passed, ${failed} failed\n`);
if (failed === 0) rmSync(home, { recursive: true, force: true });
process.exitCode = failed === 0 ? 0 : 1;

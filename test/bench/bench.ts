/**
 * `npm run bench`: how fast events are published and landed here, beside what PostgreSQL itself can take and what the
 * usual way gets to. Exit code 0 when every promise of speed that was measured is kept, 1 when one isn't, 2 when it can't
 * be measured, 130 when it was stopped; docs/benchmarks.md says what is measured and how.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../../src/cli/output.ts";
import { readConfig } from "../../src/config.ts";
import { Bed } from "./bed.ts";
import { CASES, runCases } from "./cases/all.ts";
import { lines, markdown, tables } from "./report.ts";
import { judged } from "./shows.ts";
import { type Size, sizeOf } from "./size.ts";
import { type About, Store } from "./store.ts";

const ROOT = join(import.meta.dirname, "../..");
const DOCS = join(ROOT, "docs/benchmarks.md");
const SEED = 20_130_107;

const FLAGS = {
  case: { type: "string" },
  without: { type: "string" },
  quick: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  seed: { type: "string", default: String(SEED) },
  data: { type: "string", default: join(ROOT, "../shared/data") },
  results: { type: "string", default: "bench.json" },
  resume: { type: "boolean", default: false },
  "write-docs": { type: "boolean", default: false },
} as const;
const say = (line: string) => process.stderr.write(`${line}\n`);
const values = flags();

function flags() {
  try {
    return parseArgs({ options: FLAGS }).values;
  } catch (error) {
    say(
      `${(error as Error).message}\nThere are ${Object.keys(FLAGS).join(", ")}; docs/benchmarks.md says what they do.`,
    );
    process.exit(2);
  }
}

function names(list: string | undefined, otherwise: readonly string[]): readonly string[] {
  const found = list?.split(",").map((name) => name.trim()) ?? otherwise;
  const unknown = found.filter((name) => !CASES.includes(name));
  if (unknown.length === 0) return found;
  say(`no case ${unknown.join(", ")}: there are ${CASES.join(", ")}`);
  process.exit(2);
}

function about(size: Size, postgresql: string): About {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  const changed = git("status", "--porcelain", "src", "consumers", "schemas", "test/bench") === "" ? "" : ", changed";
  const packages = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const pom = readFileSync(join(ROOT, "src/stack/pom.xml"), "utf8");
  const kafka = /<kafka\.version>([^<]+)/.exec(pom)?.[1] ?? "unknown";
  const kafkajs = packages.dependencies["tradetape-kafkajs"]?.replace("npm:kafkajs@", "");
  const { fetchPartitionBytesMax, landingConnections, landingBufferBytesMax, publishLingerMs } = readConfig({}, {});
  return {
    date: new Date().toISOString().slice(0, 16),
    commit: git("rev-parse", "--short", "HEAD") + changed,
    machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`,
    // Figures of a machine that had other work are known by it.
    "load before": loadavg()
      .map((load) => load.toFixed(2))
      .join(" "),
    versions: `Node ${process.versions.node}, PostgreSQL ${postgresql}, Kafka ${kafka}, kafkajs ${kafkajs}`,
    settings: [
      `linger ${publishLingerMs} ms`,
      `fetches of ${fetchPartitionBytesMax} bytes a partition`,
      `${landingBufferBytesMax} bytes in hand`,
      `${landingConnections} connections`,
    ].join(", "),
    size: `${size.name}: ${size.rounds} rounds of ${size.ticks.toLocaleString("en-US")} ticks`,
    seed: Number(values.seed),
  };
}

/** The docs' generated part, between its marks. */
function writeDocs(made: string): void {
  const [begin, end] = ["<!-- figures: made by `npm run bench -- --write-docs` -->", "<!-- figures end -->"];
  const text = readFileSync(DOCS, "utf8");
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${DOCS}: no place between ${begin} and ${end}`);
  writeFileSync(DOCS, `${before}${begin}\n${made}\n${end}${after}`);
}

function report(store: Store): number {
  const verdicts = judged(store, readConfig({}, {}).publishLingerMs);
  if (values["write-docs"]) writeDocs(markdown(store, verdicts));
  const kept = verdicts.every(({ isOk }) => isOk);
  if (values.json)
    process.stdout.write(`${JSON.stringify({ about: store.about, figures: lines(store), promises: verdicts })}\n`);
  else {
    const facts = Object.entries(store.about).map(([name, value]) => `${name.padEnd(12)}${value}`);
    const drawn = tables(store, verdicts).map(({ head, rows }) => table(head, rows));
    process.stdout.write(`${[facts.join("\n"), ...drawn].join("\n\n")}\n`);
  }
  if (kept) return 0;
  say(values.quick ? "A promise isn't kept; with --quick that means nothing." : "A promise isn't kept.");
  return values.quick ? 0 : 1;
}

const without = new Set(names(values.without, []));
const chosen = new Set(names(values.case, CASES).filter((name) => !without.has(name)));
const stop = new AbortController();
let signals = 0;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // Every process that was started has an exit handler that ends it.
    if (++signals > 1) process.exit(130);
    say(`${signal}: ending what runs; the figures so far are in ${values.results}, --resume goes on from them`);
    stop.abort(new Error("stopped"));
  });
}

let code = 2;
try {
  const size = sizeOf(values.quick);
  const bed = await Bed.open(stop.signal, say);
  try {
    const store = new Store(values.results, about(size, await bed.postgresVersion()), values.resume);
    await runCases({ bed, store, size, seed: Number(values.seed), dataFolder: values.data }, chosen);
    code = report(store);
  } finally {
    await bed.close();
  }
} catch (error) {
  if (!stop.signal.aborted) say(error instanceof Error ? `${error.stack}` : String(error));
  code = stop.signal.aborted ? 130 : 2;
}
process.exit(code);

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepare } from "../../../src/cli/stack/up.ts";
import { requireServices } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { documents, type Shown, shownIn } from "../../support/documents.ts";
import { environmentOf } from "../../support/landing.ts";
import { pythonWith } from "../../support/python.ts";
import { decision, fill, prediction, symbol, tick } from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { ROOT } from "../../support/source-tree.ts";
import { openTestTape } from "../../support/tape.ts";
import { ELSEWHERE } from "./elsewhere.ts";

/** A page is a dozen commands, each a process; a machine that has never run it fetches Python's packages first. */
const PAGE_MS_MAX = 30 * 60_000;
/** What an interpreter runs; everything else that is shown is `text`, which nobody could mistake for a command. */
const RUN_BY: Readonly<Record<string, string>> = {
  sh: "",
  ts: "node",
  python: '"$PYTHON"',
  sql: `node ${JSON.stringify(join(ROOT, "test/support/run-sql.ts"))}`,
};
const COMMAND = /^\s*(\$ |(npm|npx|node|tradetape|pip|python|eval|docker) )/m;

const pages = documents().map((path) => ({ path, shown: shownIn(path) }));
const isElsewhere = (line: string | undefined) => ELSEWHERE.some(({ shown }) => shown === line?.trim());
const isRun = ({ language, text }: Shown) =>
  language in RUN_BY && (language === "sh" ? !text.split("\n").every(isElsewhere) : !isElsewhere(text.split("\n")[0]));
const folders: string[] = [];
let python = "";

beforeAll(async () => {
  python = await pythonWith(join(ROOT, "python/requirements.txt"));
}, PAGE_MS_MAX);

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A folder where `tradetape` is a command and `import "tradetape"` is this clone's library. */
function readersFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tradetape-shown-"));
  folders.push(folder);
  for (const name of ["bin", "clone", "node_modules"]) mkdirSync(join(folder, name));
  const program = `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/src/cli/main.ts" "$@"\n`;
  writeFileSync(join(folder, "bin/tradetape"), program, { mode: 0o755 });
  symlinkSync(process.execPath, join(folder, "bin/node"));
  const manifest = { name: "tradetape", type: "module", exports: "./src/tradetape.ts" };
  writeFileSync(join(folder, "clone/package.json"), JSON.stringify(manifest));
  symlinkSync(join(ROOT, "src"), join(folder, "clone/src"));
  // Node strips types in the clone, where the link leads, and wouldn't below node_modules.
  symlinkSync("../clone", join(folder, "node_modules/tradetape"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const types = [join(ROOT, "node_modules/@types")];
  const compiled = { extends: join(ROOT, "tsconfig.json"), compilerOptions: { typeRoots: types }, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(compiled));
  return folder;
}

/** The page as one script, so that a variable of one block is there in the next; other languages in files beside it. */
function scriptOf(folder: string, shown: readonly Shown[]): string {
  const steps = shown.filter(isRun).map(({ place, language, text }, index) => {
    if (language === "sh")
      return text
        .split("\n")
        .filter((line) => !isElsewhere(line))
        .join("\n");
    const file = `block-${index}.${language === "python" ? "py" : language}`;
    writeFileSync(join(folder, file), `${text}\n`);
    return `echo '${place}'; ${RUN_BY[language]} ${file}`;
  });
  return ["set -euo pipefail", "trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR", ...steps, ""].join("\n");
}

function run(folder: string, file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const path = `${join(folder, "bin")}:${process.env.PATH}`;
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { cwd: folder, env: { ...process.env, ...env, PATH: path } }, (error, stdout, stderr) =>
      error ? reject(new Error(`${stdout}\n${stderr}`)) : resolve(stdout),
    );
  });
}

/** Services as `up` leaves them, with a trade in the tables and a fresh database beside them. */
async function readersServices(page: string): Promise<NodeJS.ProcessEnv> {
  const tape = await openTestTape({}, page);
  const env = environmentOf(tape.config);
  await prepare(
    { progress: { line: () => {} }, log: openLog(tape.config) },
    requireServices(tape.config, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl"),
  );
  await tape.publish("symbols", symbol());
  await tape.publish("ticks", tick());
  await tape.publish("predictions", prediction());
  await tape.publish("decisions", decision());
  await tape.publish("fills", fill());
  await tape.land();
  await tape.stop();
  return { ...env, FRESH: (await isolate(`${page} fresh`)).databaseUrl };
}

describe("every block of the documents", () => {
  test("is of a language that is run, or is text that holds no command", () => {
    const wrong = pages
      .flatMap(({ shown }) => shown)
      .filter(({ language, text }) => (language === "text" ? COMMAND.test(text) : !(language in RUN_BY)));
    expect(wrong.map(({ place, language }) => `${place}: ${language || "no language"}`)).toEqual([]);
  });

  test("that isn't run here is run by a test that exists, and nothing is named that nobody shows", () => {
    const lines = new Set(
      pages.flatMap(({ shown }) => shown.flatMap(({ text }) => text.split("\n").map((l) => l.trim()))),
    );
    expect(ELSEWHERE.filter(({ shown }) => !lines.has(shown)).map(({ shown }) => shown)).toEqual([]);
    const gone = ELSEWHERE.filter(({ by, has }) => !readFileSync(join(ROOT, by), "utf8").includes(has));
    expect(gone.map(({ by, has }) => `${by} lacks ${has}`)).toEqual([]);
  });
});

const runnable = pages.filter(({ shown }) => shown.some(isRun));

test.concurrent.each(runnable)(
  "what $path shows does what it says",
  { timeout: PAGE_MS_MAX },
  async ({ path, shown }) => {
    const folder = readersFolder();
    const script = scriptOf(folder, shown);
    if (shown.some(({ language }) => language === "ts")) {
      await run(folder, join(ROOT, "node_modules/.bin/tsc"), ["--noEmit", "-p", "."]);
    }
    const env = {
      ...(await readersServices(path)),
      PYTHON: python,
      PYTHONPATH: join(ROOT, "python"),
      TRADETAPE_HOME: join(folder, "home"),
    };
    const stdout = await run(folder, "bash", ["-c", script], env);
    const isOutput = (before: Shown | undefined) => before?.language === "ts" && isRun(before);
    const outputs = shown.filter(({ language }, index) => language === "text" && isOutput(shown[index - 1]));
    for (const { text } of outputs) expect(stdout).toContain(text);
  },
);

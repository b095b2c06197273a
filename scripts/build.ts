/**
 * Makes dist/, what `npm pack` ships: the compiled sources with their types, and beside them, at the same distance as
 * in the sources, the files they read. The tree begins empty: a module that was renamed must not live on in a package.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, globSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");

/** What the sources read at run time besides each other. */
const ASSETS = [
  "schemas",
  "docker-compose.yml",
  ...globSync("src/**/*.{xml,sql,properties,html,css,js,svg}", { cwd: root }),
];

rmSync(dist, { recursive: true, force: true });
execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
for (const asset of ASSETS) cpSync(join(root, asset), join(dist, asset), { recursive: true });

const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: Record<string, string> };
// tsc writes plain files; npm makes a bin executable on install, but `node_modules/.bin` of a linked clone doesn't.
for (const file of Object.values(bin)) chmodSync(join(root, file), 0o755);

/**
 * Has npm complete package-lock.json: where it installs into a folder that has modules already it leaves out the optional
 * packages of other platforms, and then its own `npm ci` refuses the file that it has written; one that was added by hand
 * has no integrity. In a folder with nothing else in it npm asks for each of them. Run it after every `npm install`;
 * `test/tidy.test.ts` fails while something is missing.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LockedPackages, lackingIntegrity, ROOT } from "./lock.ts";

const NPM_FLAGS = ["--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"];

const folder = mkdtempSync(join(tmpdir(), "tradetape-lock-"));
const file = join(folder, "package-lock.json");
try {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: LockedPackages };
  const isLacking = new Set(lackingIntegrity(lock.packages));
  const packages = Object.fromEntries(Object.entries(lock.packages).filter(([place]) => !isLacking.has(place)));
  writeFileSync(file, JSON.stringify({ ...lock, packages }));
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  // The registry is left to the machine that installs.
  execFileSync("npm", ["install", ...NPM_FLAGS, "--omit-lockfile-registry-resolved"], {
    cwd: folder,
    stdio: "inherit",
  });
  cpSync(file, join(ROOT, "package-lock.json"));
} finally {
  rmSync(folder, { recursive: true });
}

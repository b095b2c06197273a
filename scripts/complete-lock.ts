/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out. npm leaves them out when it
 * installs into a folder that has modules already, or when a mirror doesn't carry them, and then its own `npm ci`
 * refuses the file it has written. They are fetched on the platform that they are for, and nowhere else. Run it after
 * every `npm install`; `test/tidy.test.ts` fails while something is missing.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface LockedPackage {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

type LockedPackages = Record<string, LockedPackage>;

/** Where Node would find `name` from inside of `path`: there, or in a folder above. */
function find(packages: LockedPackages, path: string, name: string): string | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    const candidate = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
    if (packages[candidate] !== undefined) return candidate;
    if (at === "") return undefined;
  }
}

/** The optional packages that are named and not there, by their place, as npm would write them. */
export function missingOptional(packages: LockedPackages): LockedPackages {
  const missing: LockedPackages = {};
  for (const [path, locked] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(locked.optionalDependencies ?? {})) {
      if (find(packages, path, name) !== undefined) continue;
      missing[`node_modules/${name}`] = { version, ...platformOf(name), ...(locked.dev ? { dev: true } : {}) };
    }
  }
  return missing;
}

/** A platform's package bears it in its name, between dashes. */
function platformOf(name: string): LockedPackage {
  const words = name.split("/").at(-1)!.split("-");
  const only = (known: readonly string[]) => words.filter((word) => known.includes(word));
  const os = only(["android", "darwin", "freebsd", "linux", "openharmony", "win32"]);
  const cpu = only(["arm64", "arm", "x64", "ia32", "ppc64", "riscv64", "s390x", "loong64", "wasm32"]);
  const libc = words.some((word) => word.startsWith("musl")) ? ["musl"] : [];
  const platform = Object.entries({ os, cpu, libc }).filter(([, values]) => values.length > 0);
  return { optional: true, ...Object.fromEntries(platform) };
}

if (import.meta.main) {
  const file = new URL("../package-lock.json", import.meta.url);
  const lock = JSON.parse(readFileSync(file, "utf8")) as { packages: LockedPackages };
  const all = { ...lock.packages, ...missingOptional(lock.packages) };
  lock.packages = Object.fromEntries(Object.entries(all).sort(([a], [b]) => a.localeCompare(b, "en")));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}

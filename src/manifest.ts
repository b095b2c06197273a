import { readFileSync } from "node:fs";

interface Manifest {
  readonly version: string;
  /** What only some commands need: they ask for it in words. */
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** package.json lies one folder up in the sources and two in the published package. */
function manifest(): Manifest {
  for (const up of ["../package.json", "../../package.json"]) {
    try {
      return JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as Manifest;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw new Error("no package.json above src");
}

/** This program's version. */
export const packageVersion = (): string => manifest().version;

/** The command that installs packages which only some commands need, in the versions that are tested here. */
export function installCommand(names: readonly string[]): string {
  const { peerDependencies } = manifest();
  return `npm install ${names.map((name) => `${name}@${peerDependencies[name]}`).join(" ")}`;
}

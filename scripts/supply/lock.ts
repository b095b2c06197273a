import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface LockedPackage {
  name?: string;
  version?: string;
  license?: string;
  integrity?: string;
  dev?: boolean;
  optionalDependencies?: Record<string, string>;
}

/** By their places, as in `node_modules/pg`; the place of the project itself is "". */
export type LockedPackages = Readonly<Record<string, LockedPackage>>;

export function lockedPackages(folder = ROOT): LockedPackages {
  return (JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")) as { packages: LockedPackages }).packages;
}

/** What somebody who installs the package gets, on any platform. */
export const productionPackages = (packages: LockedPackages): LockedPackages =>
  Object.fromEntries(Object.entries(packages).filter(([place, { dev }]) => place !== "" && dev !== true));

/** A package's name, which its place doesn't have where it is installed under another one, as our kafkajs is. */
export const nameOf = (place: string, { name }: LockedPackage): string =>
  name ?? place.slice(place.lastIndexOf("node_modules/") + 13);

/** Places of packages of which nothing says what has to be in them: npm installs whatever the registry has under the name. */
export const lackingIntegrity = (packages: LockedPackages): string[] =>
  Object.keys(packages).filter((place) => place !== "" && packages[place]!.integrity === undefined);

/** Where Node would find `name` from inside of `path`: there, or in a folder above. */
function find(packages: LockedPackages, path: string, name: string): string | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    const candidate = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
    if (packages[candidate] !== undefined) return candidate;
    if (at === "") return undefined;
  }
}

/** Optional packages, as those of other platforms, that a locked package names and that aren't locked themselves. */
export const missingOptional = (packages: LockedPackages): string[] =>
  Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => find(packages, path, name) === undefined),
  );

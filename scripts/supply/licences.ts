/** Prints the licence of every package that somebody who installs tradetape gets; ends with 1 where one isn't allowed. */
import { type LockedPackages, lockedPackages, nameOf, productionPackages } from "./lock.ts";

/** None of them asks more of who passes a program on than to pass its notice on, too. */
const ALLOWED = ["Apache-2.0", "BSD-3-Clause", "ISC", "MIT"];

/** Of packages whose package.json has no licence: what the LICENSE file inside says. */
const STATED: Readonly<Record<string, string>> = { "@kafkajs/confluent-schema-registry": "MIT" };

export interface Licensed {
  readonly name: string;
  readonly version: string;
  /** "none" where nothing says it. */
  readonly licence: string;
  readonly isAllowed: boolean;
}

export function licencesOf(packages: LockedPackages): Licensed[] {
  return Object.entries(productionPackages(packages))
    .map(([place, locked]) => {
      const { version = "", license } = locked;
      const name = nameOf(place, locked);
      const licence = license ?? STATED[name] ?? "none";
      return { name, version, licence, isAllowed: ALLOWED.includes(licence) };
    })
    .sort((a, b) => a.name.localeCompare(b.name, "en"));
}

if (import.meta.main) {
  const all = licencesOf(lockedPackages());
  for (const { name, version, licence, isAllowed } of all) {
    process.stdout.write(
      `${licence}\t${name}@${version}${isAllowed ? "" : "\tnot allowed by scripts/supply/licences.ts"}\n`,
    );
  }
  process.exitCode = all.every(({ isAllowed }) => isAllowed) ? 0 : 1;
}

/**
 * Writes dist/sbom.cdx.json, which goes with the package: a software bill of materials (CycloneDX) of everything that
 * somebody who installs tradetape gets, with the digest of each package, as `npm sbom` reads it from package-lock.json.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { licencesOf } from "./licences.ts";
import { lockedPackages, ROOT } from "./lock.ts";

interface Component {
  "bom-ref": string;
  name: string;
  version: string;
  licenses?: readonly unknown[];
  externalReferences?: readonly unknown[];
}

interface Bom {
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

const NPM_FLAGS = ["--sbom-format", "cyclonedx", "--include", "dev", "--package-lock-only"];

/** @param folder with a package.json and its lock */
export function sbomOf(folder: string): Bom {
  const bom = JSON.parse(execFileSync("npm", ["sbom", ...NPM_FLAGS], { cwd: folder, encoding: "utf8" })) as Bom;
  const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name: string };
  // npm calls the project by the folder that it happens to lie in.
  bom.metadata.component.name = name;
  const licences = new Map(
    licencesOf(lockedPackages(folder)).map((one) => [`${one.name}@${one.version}`, one.licence]),
  );
  // Not by npm's `--omit dev`, which leaves out what an installation takes as well where a tool of development needs it, too.
  bom.components = bom.components.filter((one) => licences.has(one["bom-ref"]));
  for (const one of bom.components) one.licenses ??= [{ license: { id: licences.get(one["bom-ref"]) } }];
  const isInside = (ref: string) => ref === bom.metadata.component["bom-ref"] || licences.has(ref);
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => isInside(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isInside) }));
  return bom;
}

if (import.meta.main) {
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  writeFileSync(join(ROOT, "dist/sbom.cdx.json"), `${JSON.stringify(sbomOf(ROOT), null, 2)}\n`);
}

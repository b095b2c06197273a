import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verdictOf } from "../../scripts/supply/audit.ts";
import { licencesOf } from "../../scripts/supply/licences.ts";
import {
  lackingIntegrity,
  lockedPackages,
  missingOptional,
  nameOf,
  productionPackages,
} from "../../scripts/supply/lock.ts";
import { sbomOf } from "../../scripts/supply/sbom.ts";
import { ROOT } from "../support/source-tree.ts";

const locked = lockedPackages();

describe("licences", () => {
  test("of all packages that an installation takes are allowed", () => {
    const all = licencesOf(locked);
    expect(all.length).toBeGreaterThan(50);
    expect(all.filter(({ isAllowed }) => !isAllowed)).toEqual([]);
  });

  test.each([
    ["GPL-3.0-only", "GPL-3.0-only", false],
    ["MIT", "MIT", true],
    [undefined, "none", false],
  ])("%s is %s, allowed: %s", (license, licence, isAllowed) => {
    const packages = { "": {}, "node_modules/a": { version: "1.0.0", ...(license === undefined ? {} : { license }) } };
    expect(licencesOf(packages)).toEqual([{ name: "a", version: "1.0.0", licence, isAllowed }]);
  });

  test("of packages that only development takes don't matter", () => {
    expect(licencesOf({ "node_modules/a": { version: "1.0.0", license: "GPL-3.0-only", dev: true } })).toEqual([]);
  });
});

describe("the lockfile", () => {
  test("a package without a digest, and an optional one that isn't locked, are named", () => {
    const packages = {
      "": {},
      "node_modules/a": { version: "1.0.0", integrity: "sha512-x", optionalDependencies: { b: "1.0.0", c: "1.0.0" } },
      "node_modules/a/node_modules/b": { version: "1.0.0" },
    };
    expect(lackingIntegrity(packages)).toEqual(["node_modules/a/node_modules/b"]);
    expect(missingOptional(packages)).toEqual(["c"]);
  });
});

describe("the bill of materials", () => {
  test("names every package that an installation takes, with its digest and licence, and no place that it came from", () => {
    const folder = mkdtempSync(join(tmpdir(), "tradetape-sbom-"));
    for (const file of ["package.json", "package-lock.json"]) cpSync(join(ROOT, file), join(folder, file));
    const bom = sbomOf(folder);
    rmSync(folder, { recursive: true });
    expect(bom).toMatchObject({ bomFormat: "CycloneDX", metadata: { component: { name: "tradetape" } } });
    const named = bom.components.map(({ name, version }) => `${name}@${version}`);
    const taken = Object.entries(productionPackages(locked)).map(
      ([place, one]) => `${nameOf(place, one)}@${one.version}`,
    );
    expect([...new Set(named)].toSorted()).toEqual([...new Set(taken)].toSorted());
    const refs = new Set(bom.dependencies.map(({ ref }) => ref));
    expect(bom.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref))).toEqual([]);
    expect(bom.components.filter((one) => !("hashes" in one))).toEqual([]);
    const licensed = expect.arrayContaining([{ license: { id: expect.any(String) } }]);
    expect(bom.components.map(({ licenses }) => licenses)).toEqual(bom.components.map(() => licensed));
    expect(bom.components.flatMap(({ externalReferences }) => externalReferences ?? [])).toEqual(
      bom.components.flatMap(({ externalReferences }) =>
        (externalReferences ?? []).filter((one) => (one as { type: string }).type !== "distribution"),
      ),
    );
  });
});

describe("the audit", () => {
  const clean = JSON.stringify({ vulnerabilities: {}, metadata: { vulnerabilities: { total: 0 } } });
  const found = JSON.stringify({
    vulnerabilities: { uuid: { severity: "high", range: "<14.0.1" } },
    metadata: { vulnerabilities: { total: 1 } },
  });
  const refused = JSON.stringify({ message: "405 Method Not Allowed", error: { summary: "", detail: "" } });
  const offline = JSON.stringify({ error: { code: "ENOTFOUND", summary: "getaddrinfo ENOTFOUND" } });
  test.each<[string, string, string, number, string]>([
    ["nothing known", clean, "", 0, "knows of no vulnerability"],
    ["one known", found, "", 1, "high: uuid <14.0.1"],
    ["a registry that doesn't answer such questions", refused, "", 2, "can't be asked: 405 Method Not Allowed"],
    ["no network", offline, "", 2, "can't be asked: getaddrinfo ENOTFOUND"],
    ["no JSON", "<html>", "npm error EPROXY\nmore", 2, "can't be asked: npm error EPROXY\n"],
    ["nothing at all", "", "", 2, "can't be asked: it gave no answer"],
  ])("of %s", (_what, stdout, stderr, code, text) => {
    expect(verdictOf(stdout, stderr)).toEqual({ code, text: expect.stringContaining(text) });
  });
});

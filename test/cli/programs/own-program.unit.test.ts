import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTradetape } from "../../support/tradetape.ts";

/** Each is a process: what loads a person's file is Node itself, not the tests' runner. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tradetape-programs-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(() => rmSync(folder, { recursive: true }));

const program = (name: string) => `import { defineProgram, strategyId } from "tradetape";
const by = { actor: "bot", modelVersion: "one", strategyId: strategyId("own") };
export default defineProgram({ name: "${name}", reads: ["bars"], publishes: [], by, handle() {} });
`;

/** Runs files that hold this, where nothing listens: a program that is good comes as far as the brokers. */
async function run(files: Readonly<Record<string, string>>, ...args: string[]) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const paths = Object.keys(files).map((name) => join(folder, name));
  const env = { KAFKA_BROKERS: "127.0.0.1:1", SCHEMA_REGISTRY_URL: "http://127.0.0.1:1" };
  const { code, stderr } = await startTradetape(["run", ...paths, ...args, "--until-caught-up"], env).ended;
  const fault = stderr.slice(stderr.lastIndexOf("tradetape: "));
  return { code, fault: fault.replaceAll(folder, "."), next: /^ {2}next: (.*)$/m.exec(fault)?.[1] };
}

test("a file in TypeScript or JavaScript is loaded, and its tradetape is the one that runs it", async () => {
  for (const name of ["good.ts", "good.js", "good.mjs"]) {
    expect((await run({ [name]: program("own") })).fault, name).toContain("broker_unreachable");
  }
});

describe("said in words, with what next, is", () => {
  test.each<[string, Readonly<Record<string, string>>, string, string]>([
    [
      "a default export that is no program",
      { "a.ts": "export default { name: 'own' };" },
      "and exports something else",
      "defineProgram",
    ],
    ["none", { "b.ts": "export const own = 1;" }, "and exports nothing", "export default defineProgram"],
    ["an error of syntax", { "c.js": "const = 1;" }, "SyntaxError: Unexpected token '='", "shows the line"],
    ["one in TypeScript", { "d.ts": "const a: = 1;" }, "./d.ts can't be loaded: SyntaxError", "shows the line"],
    ["what it throws", { "e.ts": "throw new Error('no key');" }, "Error: no key, at file://./e.ts:1", "Mend the file"],
    [
      "an import that isn't there",
      { "f.ts": "import './nowhere.ts';" },
      "Cannot find module",
      "Install what it imports",
    ],
    [
      "a name of ours",
      { "g.ts": program("bars") },
      "defines a program bars, as one of tradetape's own",
      "in its definition",
    ],
    [
      "a name twice",
      { "h.ts": program("own"), "i.ts": program("own") },
      "two of the files define a program own",
      "its name",
    ],
    [
      "a wrong definition",
      { "j.ts": program("Own") },
      "defineProgram: name has to be of small letters",
      "Mend the definition",
    ],
  ])("%s", async (_, files, says, next) => {
    const told = await run(files);
    expect([told.code, told.fault]).toEqual([2, expect.stringContaining(says)]);
    expect(told.fault).toContain("input_invalid");
    expect(told.next).toContain(next);
  });

  test("a file that isn't there, and a word that is neither", async () => {
    const missing = await run({}, "./nowhere.ts");
    expect(missing).toMatchObject({ code: 2, fault: expect.stringContaining("there is no file ./nowhere.ts") });
    const unknown = await run({}, "momentum");
    expect(unknown.next).toMatch(/^There are bars, .*, outcomes\. A file of your own is named as \.\/momentum\.ts\.$/);
  });
});

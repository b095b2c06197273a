import { expect, test } from "vitest";
import { testsWithoutAssertion } from "../support/assertions.ts";
import { parseSource } from "../support/source-tree.ts";

const scan = (text: string) => parseSource("src/cli/x.ts", text);

test("finds imports of every form, and nothing in texts and comments", () => {
  const { imports } = scan(`
    import a from "../topic/a.ts"; import type { B } from "./b.ts"; import { type C } from "./c.ts";
    export { d } from "./d.ts"; export * from "./e.ts"; const f = await import("./f.ts");
    // import g from "./g.ts"
    const h = 'import h from "./h.ts"';
  `);
  const seen = Object.fromEntries(imports.map((i) => [i.target, i.typeOnly]));
  expect(seen).toEqual({
    "src/topic/a.ts": false,
    "src/cli/b.ts": true,
    "src/cli/c.ts": true,
    "src/cli/d.ts": false,
    "src/cli/e.ts": false,
    "src/cli/f.ts": false,
  });
});

test("finds what a file exports by itself, and not what it passes on", () => {
  const { exports } = scan(
    "export type A = 1; export const b = 1, c = 2; const d = 3; export { d as e }; export { f } from './f.ts';",
  );
  expect(exports).toEqual(["A", "b", "c", "e"]);
});

test("counts how often a name stands in a file, as a value or a type, and not in comments, texts or longer names", () => {
  const { mentions } = scan("export type A = 1; export const b: A = 1, bb = 'b'; /* b */ f(b);");
  expect(["A", "b", "bb"].map((name) => mentions.get(name))).toEqual([2, 2, 1]);
});

test("measures functions from their first line to their last, and takes a describe's callback for none", () => {
  const { functions } = scan("const f = () => {\n\n};\ndescribe('x', () => {\n\n\n\n});\nclass A { m() {\n } }\n");
  expect(functions.map((f) => [f.line, f.length])).toEqual([
    [1, 3],
    [9, 2],
  ]);
});

test("finds tests without an assertion, whatever form the test or what it asserts by has", () => {
  const text = `
    test("a", () => {}); it.each([1])("b", async () => { await run(); }); test("c", { timeout: 1 }, () => run());
    test("d", () => { expect(1).toBe(1); }); it("e", () => looks()); test("f", () => fc.assert(x)); describe("g", () => {});
    function looks() { again(); } const again = () => { looks(); expectWhole(); }; const run = () => run();
    afterEach(() => {}); regexp.test(text);
    test("h", () => run());
  `;
  expect(testsWithoutAssertion("test/x.ts", text).map(({ line }) => line)).toEqual([2, 2, 2, 6]);
});

test("finds any, console, debugger, casts and tests alone, with their lines", () => {
  const { findings, comments } = scan(
    "let a: any;\nconsole.log('any');\ndebugger;\ntest.only('x', () => {}); // TODO b\n'1' as unknown as A as B;",
  );
  const found = ["1 any", "2 console", "3 debugger", "4 test.only", "5 as unknown as"];
  expect(findings.map((f) => `${f.line} ${f.what}`)).toEqual(found);
  expect(comments[0]?.what).toBe(" TODO b");
});

test("names what an import takes as its file does, and all of a file by a star", () => {
  const { imports } = scan(
    'export { type A } from "./a.ts"; import { b as c } from "./b.ts"; import * as d from "./d.ts";',
  );
  const taken = imports.map(({ target, names }) => `${target} ${names}`);
  expect(taken.sort()).toEqual(["src/cli/a.ts A", "src/cli/b.ts b", "src/cli/d.ts *"]);
});

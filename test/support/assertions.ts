import { parseSync } from "oxc-parser";
import { calleeName, type Found, lineOf, lineStarts, type Node, visit } from "./source-tree.ts";

/** `expect(...)`, `expect.poll(...)`, `assert.ok(...)`, `fc.assert(...)`, and helpers that say by their name that they assert. */
const ASSERTS = /^(expect|assert)|^fc\.assert$/;
const TEST = /^(test|it)(\.each|\.skipIf|\.runIf)?$/;
const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;

/**
 * The tests of a file that assert nothing: they pass as long as nothing throws or hangs. A test asserts by itself or by
 * calling a function of the same file that does.
 */
export function testsWithoutAssertion(path: string, text: string): Found[] {
  const program = parseSync(path, text).program as unknown as Node;
  const functions = new Map<string, Node>();
  const tests: Node[] = [];
  visit(program, undefined, (node, parent) => {
    const name = functionName(node, parent);
    if (name !== undefined) functions.set(name, node);
    if (node.type === "CallExpression" && TEST.test(calleeName(node.callee as Node)) && callback(node))
      tests.push(node);
  });
  const starts = lineStarts(text);
  return tests
    .filter((call) => !asserts(callback(call)!, functions, new Set()))
    .map((call) => ({ line: lineOf(starts, call.start), what: "a test without an assertion" }));
}

/** The function that a test runs: the call's last argument that is one. */
const callback = (call: Node): Node | undefined =>
  (call.arguments as readonly Node[]).findLast(({ type }) => FUNCTION.test(type));

function functionName(node: Node, parent: Node | undefined): string | undefined {
  if (!FUNCTION.test(node.type)) return undefined;
  const named = (node.id ?? (parent?.type === "VariableDeclarator" ? parent.id : undefined)) as Node | undefined | null;
  return named?.type === "Identifier" ? String(named.name) : undefined;
}

/** @param seen functions that are being looked at or have been: they may call each other */
function asserts(node: Node, functions: ReadonlyMap<string, Node>, seen: Set<string>): boolean {
  let found = false;
  visit(node, undefined, (inner) => {
    if (found || inner.type !== "CallExpression") return;
    const name = calleeName(inner.callee as Node);
    const own = functions.get(name);
    found = ASSERTS.test(name) || (own !== undefined && !seen.has(name) && asserts(own, functions, seen.add(name)));
  });
  return found;
}

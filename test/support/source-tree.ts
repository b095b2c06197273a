import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What git would ship: tracked files and new ones that aren't ignored, by path from the root. */
export function listFiles(root = ROOT): string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root });
  return [...new Set(listed.toString().split("\0"))].filter((path) => path && existsSync(join(root, path))).sort();
}

export const readText = (path: string, root = ROOT): string => readFileSync(join(root, path), "utf8");

export interface Import {
  /** A path from the root for files of ours, else the package's name as written. */
  readonly target: string;
  readonly own: boolean;
  /** Erased at run time, so it can't close a cycle. */
  readonly typeOnly: boolean;
  /** What is taken of it, by the names that it has there; "*" is everything. */
  readonly names: readonly string[];
}

/** A thing in a source, with the line it stands on (from 1). */
export interface Found {
  readonly line: number;
  readonly what: string;
}

export interface SourceFile {
  readonly path: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
  /** The names of what it declares and exports. */
  readonly exports: readonly string[];
  /** How often each identifier stands in it, where it is declared included. */
  readonly mentions: ReadonlyMap<string, number>;
  /** Functions by their number of lines, from their first to their last. */
  readonly functions: readonly (Found & { readonly length: number })[];
  /** `any`, casts by way of unknown, console calls, debugger statements, tests that are left out or alone. */
  readonly findings: readonly Found[];
  readonly comments: readonly Found[];
}

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Reads one source by a real parser: a pattern would take a string for an import and a comment for code. */
export function parseSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text);
  if (parsed.errors.length > 0) throw new Error(`${path}: ${parsed.errors[0]?.message}`);
  const starts = lineStarts(text);
  const functions: SourceFile["functions"][number][] = [];
  const findings: Found[] = [];
  const mentions = new Map<string, number>();
  visit(parsed.program as unknown as Node, undefined, (node, parent) => {
    const line = lineOf(starts, node.start);
    const what = finding(node);
    if (node.type === "Identifier") mentions.set(String(node.name), (mentions.get(String(node.name)) ?? 0) + 1);
    if (what !== undefined) findings.push({ line, what });
    if (/^(Function(Declaration|Expression)|ArrowFunctionExpression)$/.test(node.type) && !isDescribe(parent)) {
      functions.push({ line, what: node.type, length: lineOf(starts, node.end - 1) - line + 1 });
    }
  });
  const comments = parsed.comments.map((c) => ({ line: lineOf(starts, c.start), what: c.value }));
  return {
    path,
    lines: text.split("\n"),
    imports: importsOf(path, text, parsed.module),
    exports: parsed.module.staticExports.flatMap(({ entries }) =>
      entries.filter((e) => !e.moduleRequest).map((e) => e.exportName.name ?? "default"),
    ),
    mentions,
    functions,
    findings,
    comments,
  };
}

type ModuleRecord = ReturnType<typeof parseSync>["module"];

function importsOf(path: string, text: string, module: ModuleRecord): Import[] {
  const resolve = (specifier: string, typeOnly: boolean, names: readonly string[]): Import => {
    const own = specifier.startsWith(".");
    return { own, typeOnly, names, target: own ? normalize(join(dirname(path), specifier)) : specifier };
  };
  const all = module.staticImports.map((i) =>
    resolve(
      i.moduleRequest.value,
      i.entries.length > 0 && i.entries.every((e) => e.isType),
      i.entries.map((e) => e.importName.name ?? "*"),
    ),
  );
  for (const { entries } of module.staticExports) {
    for (const e of entries) {
      if (e.moduleRequest) all.push(resolve(e.moduleRequest.value, e.isType, [e.importName.name ?? "*"]));
    }
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const written = text.slice(moduleRequest.start, moduleRequest.end);
    if (/^["'].*["']$/.test(written)) all.push(resolve(written.slice(1, -1), false, ["*"]));
  }
  return all;
}

export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The line, from 1, that this offset stands on. */
export const lineOf = (starts: readonly number[], offset: number): number =>
  starts.findLastIndex((start) => start <= offset) + 1;

export function visit(
  node: Node,
  parent: Node | undefined,
  enter: (node: Node, parent: Node | undefined) => void,
): void {
  enter(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child !== null && typeof child === "object" && typeof (child as Node).type === "string") {
        visit(child as Node, node, enter);
      }
    }
  }
}

/** `describe` groups tests; its callback is a chapter and not a function somebody has to hold in his head. */
function isDescribe(parent: Node | undefined): boolean {
  return parent?.type === "CallExpression" && /^describe\b/.test(calleeName(parent.callee as Node));
}

export function calleeName(callee: Node): string {
  if (callee.type === "Identifier") return String(callee.name);
  if (callee.type === "CallExpression") return calleeName(callee.callee as Node);
  if (callee.type !== "MemberExpression") return "";
  return `${calleeName(callee.object as Node)}.${String((callee.property as Node).name ?? "")}`;
}

const isCastToUnknown = (node: Node): boolean =>
  node.type === "TSAsExpression" && (node.typeAnnotation as Node).type === "TSUnknownKeyword";

function finding(node: Node): string | undefined {
  if (node.type === "TSAnyKeyword") return "any";
  if (node.type === "TSAsExpression" && isCastToUnknown(node.expression as Node)) return "as unknown as";
  if (node.type === "DebuggerStatement") return "debugger";
  if (node.type !== "CallExpression") return undefined;
  const name = calleeName(node.callee as Node);
  if (name.startsWith("console.")) return "console";
  return /^(test|it|describe)\.(only|skip|todo)$/.test(name) ? name : undefined;
}

import { readFileSync } from "node:fs";
import { parseSync } from "oxc-parser";

/** What the parser calls a node: a type, its place in the text, and members that differ from type to type. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly id?: { readonly name: string } | null;
  readonly key?: Node & { readonly name?: string };
  readonly value?: Node | null;
  readonly body?: (Node & { readonly body?: readonly Node[] }) | null;
  readonly typeAnnotation?: Node | null;
  /** The parts of an intersection of types. */
  readonly types?: readonly Node[];
  readonly members?: readonly Node[];
  readonly declaration?: Node | null;
  readonly declarations?: readonly Node[];
  readonly specifiers?: readonly { readonly local: { readonly name: string } }[];
  readonly source?: { readonly value: string } | null;
}

/** A field of an interface or a member of a class. */
export interface Member {
  readonly signature: string;
  readonly doc: string;
}

/** Something that a module exports, as its source declares it. */
export interface Exported {
  readonly name: string;
  readonly kind: "class" | "constant" | "function" | "interface" | "type";
  /** The declaration without a body; of a constant, its name. */
  readonly signature: string;
  readonly doc: string;
  readonly members: readonly Member[];
  /** The file that declares it. */
  readonly file: string;
}

const KINDS: Readonly<Record<string, Exported["kind"]>> = {
  ClassDeclaration: "class",
  VariableDeclaration: "constant",
  FunctionDeclaration: "function",
  // What stands before the body of a function that has several signatures.
  TSDeclareFunction: "function",
  TSInterfaceDeclaration: "interface",
  TSTypeAliasDeclaration: "type",
};

/** Everything that a module exports, in its order; what it passes on is looked up where it is declared. */
export function exportsOf(url: URL): Exported[] {
  const text = readFileSync(url, "utf8");
  const { program, comments } = parseSync(url.pathname, text);
  const docs = comments.filter((c) => c.type === "Block" && c.value.startsWith("*"));
  const docBefore = (start: number) => {
    const found = docs.findLast((c) => c.end <= start);
    if (found === undefined || text.slice(found.end, start).trim() !== "") return "";
    return found.value
      .slice(1)
      .replace(/^ *\* ?/gm, "")
      .trim();
  };
  const one = (node: Node, declared: Node): Exported => ({
    name: (declared.declarations?.[0] ?? declared).id!.name,
    kind: KINDS[declared.type]!,
    signature: signatureOf(text, declared),
    doc: docBefore(node.start),
    members: membersOf(declared).map((m) => ({ signature: signatureOf(text, m), doc: docBefore(m.start) })),
    file: url.pathname.split("/src/").at(-1)!,
  });
  // The parser's own types are a union of every node of the language, with no common name for these members.
  return (program.body as unknown as readonly Node[]).flatMap((node) => {
    if (node.declaration) return [one(node, node.declaration)];
    if (!node.source || !node.type.startsWith("Export")) return [];
    const names = node.specifiers?.map(({ local }) => local.name);
    const target = exportsOf(new URL(node.source.value, url));
    return names?.map((name) => target.find((e) => e.name === name)!) ?? target;
  });
}

const isPublic = ({ key, type }: Node) =>
  key?.type !== "PrivateIdentifier" && key?.name !== "constructor" && type !== "StaticBlock";

/** The object types that a type alias spells out: all of it, or parts of an intersection. */
const literalsOf = ({ type, typeAnnotation }: Node): readonly Node[] =>
  type !== "TSTypeAliasDeclaration" || !typeAnnotation
    ? []
    : [typeAnnotation, ...(typeAnnotation.types ?? [])].filter((part) => part.type === "TSTypeLiteral");

function membersOf(node: Node): readonly Node[] {
  const isBodied = node.type === "TSInterfaceDeclaration" || node.type === "ClassDeclaration";
  return isBodied ? (node.body?.body ?? []).filter(isPublic) : literalsOf(node).flatMap(({ members = [] }) => members);
}

/** A declaration up to its body, on one line; object types that `membersOf` lists are left out. */
function signatureOf(text: string, node: Node): string {
  if (node.type === "VariableDeclaration") return node.declarations![0]!.id!.name;
  const end = (node.body ?? node.value?.body)?.start ?? node.end;
  const literals = literalsOf(node);
  const kept = literals.reduceRight((all, { start, end: to }) => `${all.slice(0, start)}{ ... }${all.slice(to)}`, text);
  return kept
    .slice(node.start, end - (text.length - kept.length))
    .replace(/\s+/g, " ")
    .replace(/[;\s]+$/, "");
}

import { type Exported, exportsOf, type Member } from "./exports.ts";
import { cell, code, prose, table } from "./markdown.ts";

const ENTRY = new URL("../../src/tradetape.ts", import.meta.url);
const EVENTS = "event/events.ts";

/** Everything that `import ... from "tradetape"` can name. */
export const publicExports = (): Exported[] => exportsOf(ENTRY);

const memberTable = (members: readonly Member[]) =>
  table(
    ["member", "meaning"],
    members.map(({ signature, doc }) => [code(bare(signature)), cell(prose(doc))]),
  );

const bare = (signature: string) => signature.replace(/^(async|readonly) /, "");

function exportText({ name, kind, signature, doc, members }: Exported): string {
  const parts = [`### ${kind} \`${name}\``];
  if (doc !== "") parts.push(prose(doc));
  if (kind === "function" || (kind === "type" && !signature.endsWith("= { ... }"))) parts.push(`\`${signature}\``);
  if (members.length > 0) parts.push(memberTable(members));
  return parts.join("\n\n");
}

/** The public names by what a reader looks for: what is called, what is handed in, and the events. */
export function apiReference(): string {
  const all = publicExports();
  const events = all.filter(({ file }) => file === EVENTS);
  const rest = all.filter(({ file }) => file !== EVENTS);
  const callable = rest.filter(({ kind }) => kind === "function" || kind === "class");
  const others = rest.filter((e) => !callable.includes(e));
  const sections = [
    ["## Functions and classes", callable],
    ["## Types and constants", others],
    ["## Events", events],
  ] as const;
  return sections.map(([title, found]) => [title, ...found.map(exportText)].join("\n\n")).join("\n\n");
}

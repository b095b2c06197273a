import { listFiles, readText } from "./source-tree.ts";

/** A fenced block of a document. */
export interface Shown {
  /** The document and the block's first line, as an editor opens it. */
  readonly place: string;
  /** What stands behind the opening fence; empty is none. */
  readonly language: string;
  readonly text: string;
}

/** Every document that people read, by path from the root. */
export const documents = (): string[] => listFiles().filter((path) => path.endsWith(".md"));

/** The fenced blocks of a document, in their order. */
export function shownIn(path: string): Shown[] {
  const found: Shown[] = [];
  let open: { language: string; line: number; text: string[] } | undefined;
  for (const [index, line] of readText(path).split("\n").entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (fence && open) {
      found.push({ place: `${path}:${open.line}`, language: open.language, text: open.text.join("\n") });
      open = undefined;
    } else if (fence) {
      open = { language: fence[1]!, line: index + 2, text: [] };
    } else {
      open?.text.push(line);
    }
  }
  if (open) throw new Error(`${path}:${open.line}: the block has no end`);
  return found;
}

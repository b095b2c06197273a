import type { Redactor } from "./redact.ts";

/** One line of a stream of events (text/event-stream), with the document of a `data:` line; undefined of any other line. */
interface Line {
  readonly text: string;
  readonly document: unknown;
}

function linesOf(text: string): Line[] {
  return text.split("\n").map((line) => {
    const [, data] = /^data: ?(.*?)\r?$/.exec(line) ?? [];
    if (data === undefined || !data.startsWith("{")) return { text: line, document: undefined };
    try {
      return { text: line, document: JSON.parse(data) };
    } catch {
      // A line that was cut off, as where the connection ended: it stays a text.
      return { text: line, document: undefined };
    }
  });
}

/** The documents of a stream's events, in order. */
export const documentsOf = (text: string): unknown[] =>
  linesOf(text).flatMap(({ document }) => (document === undefined ? [] : [document]));

/** A text within `delta` of an event: a piece of a longer one, which goes on in later events. */
interface Delta {
  readonly text: string;
  readonly put: (left: string) => void;
}

type Fields = Record<string, unknown>;

/** What tells one long text of a stream from the others: an answer has several choices, blocks and calls of tools. */
const INDEXES = ["index", "output_index", "content_index", "item_id"] as const;

/** @param within undefined outside of a `delta`, else where the value stands */
function collectDeltas(value: unknown, within: string | undefined, at: string, into: Map<string, Delta[]>): void {
  if (typeof value !== "object" || value === null) return;
  const fields = value as Fields;
  const own = Array.isArray(value) ? at : `${at} ${INDEXES.map((name) => fields[name] ?? "").join(",")}`;
  for (const [name, member] of Object.entries(fields)) {
    const inDelta =
      within !== undefined || name === "delta" ? `${within ?? ""}.${Array.isArray(value) ? "" : name}` : undefined;
    if (typeof member !== "string") collectDeltas(member, inDelta, own, into);
    else if (inDelta !== undefined) {
      const key = `${own} ${inDelta}`;
      const series = into.get(key) ?? [];
      series.push({ text: member, put: (left) => Object.assign(fields, { [name]: left }) });
      into.set(key, series);
    }
  }
}

/**
 * A stream of events without what the rules name: itself where they name nothing in it. A text that comes in pieces is looked at
 * as a whole, because an address may begin in one piece and end in the next; what is left of it then stands in its first piece.
 */
export function redactStream(text: string, redactor: Redactor): string {
  const lines = linesOf(text);
  const series = new Map<string, Delta[]>();
  for (const { document } of lines) collectDeltas(document, undefined, "", series);
  const changed = new Set<Delta>();
  for (const deltas of series.values()) {
    const whole = deltas.map((delta) => delta.text).join("");
    const redacted = redactor.redact(whole);
    if (redacted === whole) continue;
    for (const [n, delta] of deltas.entries()) delta.put(n === 0 ? redacted : "");
    for (const delta of deltas) changed.add(delta);
  }
  return lines
    .map(({ text: line, document }) => {
      if (document === undefined) return redactor.redact(line);
      const redacted = redactor.redactValue(document);
      return redacted === document && changed.size === 0 ? line : `data: ${JSON.stringify(redacted)}`;
    })
    .join("\n");
}

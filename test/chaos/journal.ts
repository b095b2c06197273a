import { createHash } from "node:crypto";
import { closeSync, createReadStream, existsSync, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { CONSUMER_OF } from "../../consumers/all.ts";
import { EVENT_SCHEMAS, type EventTopic } from "../../src/event/schemas.ts";
import { contentColumns } from "../../src/table/rows/landing-table.ts";

/** What a producer notes down, a line each: before it publishes, and again when the broker has acknowledged. */
export type Note =
  /** An event is about to be published. An orphan's parent never is. */
  | {
      readonly kind: "intent";
      readonly topic: EventTopic;
      readonly id: string;
      readonly content: string;
      readonly revision: number;
      readonly orphan: boolean;
    }
  | { readonly kind: "ack"; readonly topic: EventTopic; readonly id: string; readonly revision: number }
  /** A message that must become a letter, by the digest of its bytes. */
  | { readonly kind: "poison" | "poisonAck"; readonly topic: EventTopic; readonly digest: string }
  /** All of this window's events are acknowledged: a producer that is started again goes on behind it. */
  | { readonly kind: "window"; readonly window: number };

const LETTER = { intent: "I", ack: "A", poison: "P", poisonAck: "Q", window: "W" } as const;

function lineOf(note: Note): string {
  const letter = LETTER[note.kind];
  switch (note.kind) {
    case "window":
      return `${letter} ${note.window}\n`;
    case "poison":
    case "poisonAck":
      return `${letter} ${note.topic} ${note.digest}\n`;
    case "ack":
      return `${letter} ${note.topic} ${note.id} ${note.revision}\n`;
    case "intent":
      return `${letter} ${note.topic} ${note.id} ${note.revision} ${note.content} ${note.orphan ? 1 : 0}\n`;
  }
}

/** A line that a kill cut short is none: what it was about has not begun, or is published again. */
function noteOf(line: string): Note | undefined {
  const [letter, topic, id, revision, content, orphan] = line.split(" ");
  if (letter === "W" && topic) return { kind: "window", window: Number(topic) };
  if (!letter || !topic || !id) return undefined;
  const of = topic as EventTopic;
  if (letter === "P" || letter === "Q") return { kind: letter === "P" ? "poison" : "poisonAck", topic: of, digest: id };
  if (letter === "A" && revision) return { kind: "ack", topic: of, id, revision: Number(revision) };
  if (letter !== "I" || !content || !orphan) return undefined;
  return { kind: "intent", topic: of, id, revision: Number(revision), content, orphan: orphan === "1" };
}

/** Appends to a producer's journal; the system has every line when `write` returns, so a kill -9 loses none. */
export function openJournal(path: string): { write(notes: readonly Note[]): void; close(): void } {
  const file = openSync(path, "a");
  // Behind a line that a kill cut short, the next one must not continue it.
  writeSync(file, "\n");
  return {
    write: (notes) => {
      if (notes.length > 0) writeSync(file, notes.map(lineOf).join(""));
    },
    close: () => closeSync(file),
  };
}

export async function* readJournal(path: string): AsyncGenerator<Note> {
  if (!existsSync(path)) return;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const note = noteOf(line);
    if (note) yield note;
  }
}

/** An event's key and its content: not when it was handed over, nor which revision it is. */
export function contentFields(topic: EventTopic) {
  const { landing } = CONSUMER_OF[topic];
  const content = new Set<string>([...landing.key, ...contentColumns(landing)]);
  return EVENT_SCHEMAS[landing.event].fields.filter(({ name }) => content.has(name));
}

/** A digest of an event's content: times as microseconds, absent as null; 64 bits tell a million events apart. */
export function contentOf(topic: EventTopic, fields: Readonly<Record<string, unknown>>): string {
  const content = contentFields(topic).map(({ name }) => fields[name] ?? null);
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16);
}

export const digestOf = (value: Buffer): string => createHash("sha256").update(value).digest("hex");

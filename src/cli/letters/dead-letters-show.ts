import { requireServices } from "../../config.ts";
import { letterJson } from "../../dead-letter/letter-json.ts";
import { type LetterReading, readLetterEvent } from "../../dead-letter/read.ts";
import { HEX_BYTES_MAX, readableBytes, readableHeaders } from "../../dead-letter/readable.ts";
import { TradetapeError } from "../../errors.ts";
import { openRegistry } from "../../event/registry.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic } from "../../event/schemas.ts";
import { readLetters, type StoredLetter } from "../../table/letters/dead-letters.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { knownTopic, wrong } from "../flags.ts";
import { printable } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";

export const showLetterCommand: CommandSpec<object> = {
  name: "show",
  summary: "everything about one letter: the error, and beside it the event as far as it can be read",
  examples: ["tradetape dead-letters show ticks/2/4711"],
  declare: (command) => {
    command.argument("<topic/partition/offset>", "as `dead-letters list` shows it");
  },
  run: async ({ config, out }, [place = ""]) => {
    const at = coordinates(config.namespace, place);
    const name = topicName(config.namespace, at.topic);
    const found = await asReader(config, "dead letters", (c) => readLetters(c, name, at.partition, at.offset));
    const letter = found[0];
    if (letter === undefined) {
      throw new TradetapeError("input_invalid", `${place} is not a letter`, {
        next: "`tradetape dead-letters list` has an example of each kind.",
      });
    }
    const isThere = config.schemaRegistryUrl !== undefined;
    const registry = isThere ? openRegistry(requireServices(config, "schemaRegistryUrl")) : undefined;
    const reading = await readLetterEvent(at.topic, letter, registry);
    const others = found.slice(1).map((other) => letterJson(other, { unreadable: "of a log that was cut" }));
    out.result({ ...letterJson(letter, reading), ofCutLogs: others }, () =>
      [letterText(at.topic, letter, reading), ...found.slice(1).map(otherText)].join("\n"),
    );
    return EXIT.good;
  },
};

/** A letter of a log that was cut, at the same offset. */
const otherText = ({ rewind, reason, state, deadAt }: StoredLetter): string =>
  `\nanother letter had this offset in a log that rewind ${rewind} found cut: ${reason}, ${state}, set aside ${deadAt}`;

/** @throws TradetapeError input_invalid */
export function coordinates(namespace: string, place: string) {
  const [, topic, partition, offset] = /^([^/]+)\/(\d{1,9})\/(\d{1,15})$/.exec(place) ?? [];
  if (topic === undefined) throw wrong(place, "a letter's topic/partition/offset, as in ticks/2/4711");
  return { topic: knownTopic(namespace, topic), partition: Number(partition), offset: Number(offset) };
}

function letterText(topic: EventTopic, letter: StoredLetter, reading: LetterReading): string {
  const { redrivenOffset: at, note, actedAt, actedBy } = letter;
  const acted = actedAt === null ? "" : ` by ${actedBy} at ${actedAt}`;
  const where = at === null ? "" : `, as ${letter.topic}/${letter.partition}/${at}`;
  const lines: [string, string | null][] = [
    ["letter", `${letter.topic}/${letter.partition}/${letter.offset}`],
    ["log", letter.rewind === 0 ? null : `cut since: rewind ${letter.rewind} found it gone`],
    ["reason", letter.reason],
    ["detail", letter.detail],
    ["column", letter.column],
    ["SQLSTATE", letter.sqlstate],
    ["published", letter.publishedAt],
    ["set aside", letter.deadAt],
    ["state", `${letter.state}${acted}${where}${note === null ? "" : `: ${note}`}`],
    ["redriven", `${count(letter.attempts)} times`],
    ["key", letter.key === null ? "none" : readableBytes(letter.key)],
    ...Object.entries(readableHeaders(letter.headers)).map(([k, v]): [string, string] => [`header ${k}`, String(v)]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length)) + 2;
  const facts = lines.flatMap(([name, text]) => (text === null ? [] : [printable(`${name.padEnd(width)}${text}`)]));
  return [...facts, "", ...eventLines(topic, letter, reading)].join("\n");
}

function eventLines(topic: EventTopic, letter: StoredLetter, reading: LetterReading): string[] {
  if ("event" in reading) {
    const { fields } = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]];
    const width = Math.max(...fields.map(({ name }) => name.length)) + 2;
    return fields.map(({ name, type }) => {
      const mark = name === letter.column ? ">" : " ";
      return `${mark} ${name.padEnd(width)}${shownField(reading.event[name], type)}`;
    });
  }
  const { value, cut } = letter;
  if (value === null) return ["the event can't be read: it has no value"];
  const bytes = cut?.bytes ?? value.length;
  const rest = bytes - HEX_BYTES_MAX;
  const hex = value.subarray(0, HEX_BYTES_MAX).toString("hex");
  return [
    `the event can't be read: ${printable(reading.unreadable)}`,
    `its ${count(bytes)} bytes: ${hex}${rest > 0 ? ` and ${count(rest)} more` : ""}`,
    ...(cut === null ? [] : [`the log has them, as long as it keeps this offset: SHA-256 ${cut.sha256}`]),
  ];
}

/** Times both ways: one that no calendar has is what some letters are about. */
function shownField(value: unknown, type: string): string {
  if (value === null || value === undefined) return "-";
  if (typeof value !== "number") return printable(typeof value === "string" ? value : JSON.stringify(value));
  if (type !== "timestamp") return String(value);
  const ms = value / 1000;
  return Math.abs(ms) <= 8.64e15 ? `${value} (${new Date(ms).toISOString()})` : String(value);
}

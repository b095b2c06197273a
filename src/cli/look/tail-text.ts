import { exactFields, utcText } from "../../dead-letter/readable.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic } from "../../event/schemas.ts";
import { NO_BROKERS_TIME } from "../../topic/fetch/records.ts";
import { TOPICS } from "../../topic/topics.ts";
import { printable } from "../output.ts";
import type { SeenRecord } from "./seen-record.ts";

/** A record as one JSON object. @param topicName the full name */
export function recordJson(topicName: string, seen: SeenRecord): object {
  const { partition, offset, publishedAtMs, event, ...facts } = seen;
  const publishedAt = publishedAtMs === NO_BROKERS_TIME ? null : utcText(publishedAtMs * 1000);
  return {
    topic: topicName,
    partition,
    offset,
    publishedAt,
    ...facts,
    event: event === null ? null : exactFields(event),
  };
}

/**
 * A record in words: when the broker had it, partition and offset, then its fields, those without a value left out. One line, or
 * several of a terminal's width.
 */
export function recordText(topic: EventTopic, seen: SeenRecord, columns: number): string {
  const { partition, offset, publishedAtMs, event, letter, valueBytes, valueHex, key, headers } = seen;
  const when = publishedAtMs === NO_BROKERS_TIME ? "no broker's time" : utcText(publishedAtMs * 1000);
  const keyField = TOPICS[topic].key;
  const words = [when, `${partition}:${offset}`];
  if (event !== null) words.push(...fieldWords(topic, event));
  else if (valueBytes === null) words.push(letter?.reason === "null_value" ? "TOMBSTONE" : "POISON");
  else words.push("POISON", `${valueBytes} bytes`, ...(valueHex === "" ? [] : [`0x${valueHex}`]));
  if (key !== null && (keyField === null || event?.[keyField] !== key)) words.push(`key=${quoted(key)}`);
  for (const [name, value] of Object.entries(headers)) {
    const text = typeof value === "string" ? quoted(value) : JSON.stringify(value);
    words.push(`header.${quoted(name)}=${text}`);
  }
  if (letter !== null) words.push(`! ${letter.reason}:`, ...letter.detail.split(" "));
  return wrapped(words.map(printable), columns);
}

const fieldWords = (topic: EventTopic, event: Readonly<Record<string, unknown>>): string[] =>
  EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].fields.flatMap(({ name, type }) => {
    const value = event[name];
    if (value === null || value === undefined) return [];
    if (type === "timestamp") return [`${name}=${utcText(value as number)}`];
    return [
      `${name}=${typeof value === "string" ? quoted(value) : Array.isArray(value) ? JSON.stringify(value) : value}`,
    ];
  });

/** What has a blank in it, or is nothing, in quotes: words stay apart. */
const quoted = (text: string): string => (/^[^\s"]+$/.test(text) ? text : JSON.stringify(text));

const INDENT = "  ";

/** Words as lines of at most so many columns, all but the first one indented. A word that is longer is cut apart. */
function wrapped(words: readonly string[], columns: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    const joined = line === "" ? word : `${line} ${word}`;
    if (joined.length <= columns) {
      line = joined;
      continue;
    }
    if (line !== "") lines.push(line);
    line = lines.length === 0 ? word : INDENT + word;
    while (line.length > columns) {
      lines.push(line.slice(0, columns));
      line = INDENT + line.slice(columns);
    }
  }
  lines.push(line);
  return lines.join("\n");
}

import { isUuid } from "../../event/field/checks.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventField, type EventTopic } from "../../event/schemas.ts";
import { readMicros } from "../../event/time/micros.ts";
import { parseSymbol } from "../../feed/symbol.ts";
import { uuidOf, wrong } from "../flags.ts";

/** Which events are asked for. */
interface WhereFlags {
  readonly symbol?: string;
  readonly session?: string;
  /** Each as field=value. */
  readonly where?: readonly string[];
}

/** What a field has to hold. */
interface Wanted {
  readonly name: string;
  readonly isMet: (value: unknown) => boolean;
}

/**
 * What events have to hold to be shown.
 * @returns undefined where all are
 * @throws TradetapeError input_invalid for a field that such events haven't got, or a value that it can't hold
 */
export function readWhere(
  topic: EventTopic,
  { symbol, session, where = [] }: WhereFlags,
): ((event: Readonly<Record<string, unknown>>) => boolean) | undefined {
  const { fields } = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]];
  const wanted: Wanted[] = where.map((text) => condition(topic, fields, text));
  if (symbol !== undefined) {
    const id = isUuid(symbol.toLowerCase()) ? symbol.toLowerCase() : parseSymbol(symbol).id;
    wanted.push({ name: own(topic, fields, "--symbol", "symbol_id").name, isMet: (value) => value === id });
  }
  if (session !== undefined) {
    const allowed = "a whole id, as `tradetape sessions list` shows them, or live for events of no session";
    const id = session === "live" ? null : uuidOf("--session", session, allowed);
    wanted.push({ name: own(topic, fields, "--session", "backtest_session_id").name, isMet: (value) => value === id });
  }
  return wanted.length === 0 ? undefined : (event) => wanted.every(({ name, isMet }) => isMet(event[name]));
}

function own(topic: EventTopic, fields: readonly EventField[], flag: string, name: string): EventField {
  const field = fields.find((one) => one.name === name);
  if (field !== undefined) return field;
  const what = name === "symbol_id" || name === "backtest_session_id" ? "" : ` ${name}`;
  throw wrong(
    `${flag}${what}: an event of ${topic} has no such field, so it`,
    fields.map((one) => one.name).join(", "),
  );
}

function condition(topic: EventTopic, fields: readonly EventField[], text: string): Wanted {
  const at = text.indexOf("=");
  if (at < 1) throw wrong(`--where ${text}`, "field=value, as in --where source=nasdaq");
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  const field = own(topic, fields, "--where", name);
  if (value === "null" && field.nullable) return { name, isMet: (held) => held === null || held === undefined };
  return { name, isMet: matcher(field, value, `--where ${text}`) };
}

/** @throws TradetapeError input_invalid where no event's field can hold the value */
function matcher({ type, symbols }: EventField, text: string, what: string): Wanted["isMet"] {
  if (symbols !== undefined && !symbols.includes(text)) throw wrong(what, symbols.join(", "));
  switch (type) {
    case "uuid": {
      const id = uuidOf(what.slice(0, what.indexOf("=") + 1), text, "a whole id, as a1b2c3d4-...");
      return (held) => held === id;
    }
    case "timestamp": {
      const us = readMicros(/^-?\d+$/.test(text) ? Number(text) : text);
      if (typeof us === "string")
        throw wrong(`${what}, which ${us}, and`, "2026-07-01T14:30:00.123456Z, or microseconds since 1970");
      return (held) => held === us;
    }
    case "boolean":
      if (text !== "true" && text !== "false") throw wrong(what, "true, false");
      return (held) => String(held) === text;
    case "double":
    case "int":
    case "long": {
      const number = Number(text);
      if (text.trim() === "" || Number.isNaN(number)) throw wrong(what, "a number, as in --where close=184.25");
      return (held) => held === number;
    }
    case "texts":
      return (held) => Array.isArray(held) && held.includes(text);
    default:
      return (held) => held === text;
  }
}

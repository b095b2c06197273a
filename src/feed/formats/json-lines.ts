import { shown } from "../../errors.ts";
import { encodeEvent } from "../../event/codec.ts";
import { completeEvent, NIL_UUID } from "../../event/complete.ts";
import type { EventOfTopic } from "../../event/events.ts";
import { OWN_ID_OF, type OwnId } from "../../event/identity.ts";
import { OccurrenceCounter } from "../../event/occurrence.ts";
import type { RulesOff } from "../../event/rules.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventField, type EventTopic } from "../../event/schemas.ts";
import { checkEvent } from "../../event/validate.ts";
import type { Format, Opening } from "../format.ts";
import { toldInterval } from "../interval.ts";
import { type FeedSymbol, parseSymbol } from "../symbol.ts";
import { outsideRange } from "../time.ts";
import { ZoneClock } from "../zone.ts";
import { type FieldStep, type Fields, needsText, reader } from "./json-fields.ts";
import { parseExactly, repeatsName } from "./json-numbers.ts";
import { TickerLines } from "./json-symbols.ts";

/** An event of at most 4 MiB on the wire, as text with its names and escapes. */
const JSON_LINE_BYTES_MAX = 8 * 1024 * 1024;

const EVENT_BYTES_MAX = 1024 * 1024;
/** A UTF-16 unit is at most 3 bytes of UTF-8; a line's names outweigh what the wire format adds for absent fields. */
const BYTES_PER_UNIT = 3;

/**
 * One JSON object per line, its members named like the event's fields. Deterministic ids may be left out; times are ISO
 * text or whole microseconds; JSON fields may be objects; numbers beyond a double are kept or rejected, never rounded.
 */
export function jsonLines<T extends EventTopic>(topic: T): Format<T> {
  const schema = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]];
  const fields = new Map(schema.fields.map((field) => [field.name, field]));
  return {
    name: "jsonl",
    about: `JSON lines: one ${schema.event} per line, with the fields of schemas/${schema.event}.avsc`,
    sample: [`{"${schema.fields[0]!.name}": ...}`],
    asks:
      "--tz for times without a zone; --symbol, --source and --interval where lines leave them out; " +
      "--make-symbols for ticker in place of symbol_id",
    lineBytesMax: JSON_LINE_BYTES_MAX,
    detects: ([first]) => /^\s*\{/.test(first!),
    open(opening) {
      const { options, decisions } = opening;
      const zone = options.tz === undefined ? undefined : new ZoneClock(options.tz);
      const bytesMax = options.eventBytesMax ?? EVENT_BYTES_MAX;
      const symbol = options.symbol === undefined ? undefined : parseSymbol(options.symbol);
      const flagged = flags(options, symbol).filter(([name]) => fields.has(name));
      const namesSymbols = fields.has("symbol_id") && !fields.has("ticker");
      const tickers = namesSymbols ? new TickerLines(opening, symbol) : undefined;
      const steps = [reader(fields, zone), (event: Fields) => fillFlags(event, flagged), checkRange];
      // Behind the reader, which spells a symbol_id as ids are spelled; before the flags, which fill it in.
      if (tickers) steps.splice(1, 0, tickers.step);
      const finish = finisher(topic, options.rulesOff);
      for (const [name, value] of flagged)
        decisions.take(name, name === "symbol_id" ? symbol!.text : value, FLAGS[name]!);
      if (zone) decisions.take("zone", zone.name, "--tz");
      return {
        symbols: symbol !== undefined && topic !== "symbols" ? [symbol.event] : [],
        head: 0,
        isOnce: false,
        found: () => tickers?.found() ?? [],
        convert(text) {
          const event = convert(text, fields, steps, finish);
          if (typeof event === "string" || text.length * BYTES_PER_UNIT < bytesMax) return event;
          const bytes = encodeEvent(topic, 0, event).length;
          return bytes <= bytesMax ? event : `the event has ${bytes} bytes, ${bytesMax} are allowed`;
        },
      };
    },
  };
}

const FLAGS: Readonly<Record<string, string>> = {
  symbol_id: "--symbol",
  source: "--source",
  interval: "--interval",
  backtest_session_id: "--session",
};

/** What the flags say about fields that lines may leave out. */
function flags(options: Opening["options"], symbol: FeedSymbol | undefined): [string, string][] {
  const given: [string, string | undefined][] = [
    ["symbol_id", symbol?.id],
    ["source", options.source],
    ["interval", toldInterval(options.interval)],
    ["backtest_session_id", options.session],
  ];
  return given.filter((entry): entry is [string, string] => entry[1] !== undefined);
}

function fillFlags(fields: Fields, flagged: readonly [string, string][]): string | null {
  for (const [name, value] of flagged) {
    const own = fields[name] ?? null;
    if (own !== null && own !== value) return `${name} differs from what the command line says`;
    fields[name] = value;
  }
  return null;
}

function convert<E>(
  text: string,
  fields: ReadonlyMap<string, EventField>,
  steps: readonly FieldStep[],
  finish: (fields: Fields) => E | string,
): E | string {
  let parsed: unknown;
  try {
    parsed = parseExactly(text, false);
    if (needsText(parsed, fields)) parsed = parseExactly(text, true);
  } catch {
    return `the line is no JSON: ${shown(text)}`;
  }
  if (repeatsName(text, parsed)) return "the line has a name twice in one object";
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return "the line is no JSON object";
  for (const step of steps) {
    const wrong = step(parsed as Fields);
    if (wrong !== null) return wrong;
  }
  return finish(parsed as Fields);
}

/** A whole step of its own, before the id: a tick far in the future would make its run forget the present. */
function checkRange({ timestamp }: Fields): string | null {
  const outside = typeof timestamp === "number" ? outsideRange(timestamp) : null;
  return outside === null ? null : `timestamp: ${outside}`;
}

/** Ticks and quotes without the venue's number are told apart within the file, like those of every other format. */
function finisher<T extends EventTopic>(topic: T, off?: RulesOff): (fields: Fields) => EventOfTopic[T] | string {
  const { field, ofRun }: OwnId<T> = OWN_ID_OF[topic];
  if (ofRun === undefined) return (fields) => completeEvent(topic, fields, off);
  const counter = new OccurrenceCounter<EventOfTopic[T] & { timestamp: number }>(ofRun.nth);
  return (fields) => {
    const given: unknown = fields;
    const event = given as EventOfTopic[T] & { timestamp: number };
    if ((fields[field] ?? null) !== null || ofRun.lacks(event) === null) return completeEvent(topic, fields, off);
    fields[field] = NIL_UUID;
    const wrong = checkEvent(topic, fields, off);
    if (wrong !== null) return wrong;
    const made = counter.idOf(event);
    if (typeof made === "string") return made;
    fields[field] = made.id;
    return event;
  };
}

/** Writes src/event/events.ts from schemas/*.avsc. `test/tidy.test.ts` fails while the file is not what this makes. */
import { writeFileSync } from "node:fs";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventField, type EventName } from "../src/event/schemas.ts";

const TYPESCRIPT: Record<EventField["type"], string> = {
  uuid: "string",
  timestamp: "number",
  json: "string",
  text: "string",
  texts: "readonly string[]",
  double: "number",
  int: "number",
  long: "number",
  boolean: "boolean",
};

/** Not an interface: TypeScript gives those no index signature, so that no event could be read by a field's name. */
const typeName = (event: EventName) => `${event[0]!.toUpperCase()}${event.slice(1)}Event`;

function fieldLine(field: EventField): string {
  const type = field.symbols ? field.symbols.map((s) => JSON.stringify(s)).join(" | ") : TYPESCRIPT[field.type];
  const unit = field.type === "timestamp" ? " Microseconds since 1970, UTC." : "";
  const optional = field.nullable || field.hasDefault ? "?" : "";
  return `  /** ${field.doc}${unit} */\n  ${field.name}${optional}: ${type}${field.nullable ? " | null" : ""};`;
}

export function eventsSource(): string {
  const parts = ["// Made from schemas/*.avsc by `npm run generate`; change those.\n"];
  for (const { event, doc, fields } of Object.values(EVENT_SCHEMAS)) {
    parts.push(`/** ${doc} */\nexport type ${typeName(event)} = {\n${fields.map(fieldLine).join("\n")}\n};\n`);
  }
  const byTopic = Object.entries(EVENT_BY_TOPIC).map(([topic, event]) => `  ${topic}: ${typeName(event)};`);
  parts.push(`/** The event of each topic. */\nexport interface EventOfTopic {\n${byTopic.join("\n")}\n}\n`);
  return parts.join("\n");
}

if (import.meta.main) writeFileSync(new URL("../src/event/events.ts", import.meta.url), eventsSource());

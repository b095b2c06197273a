/** Writes the sources that are made of declarations. `test/tidy.test.ts` fails while a file is not what this makes. */
import { readFileSync, writeFileSync } from "node:fs";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventField, type EventName } from "../src/event/schemas.ts";
import type { Setting } from "../src/settings/setting.ts";
import { SETTINGS } from "../src/settings.ts";
import { strimziSource } from "./deploy/strimzi.ts";
import { dashboard } from "./docs/dashboard.ts";

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

/** The names of the fields that hold times, in whichever event. */
function timeFields(): string {
  const fields = Object.values(EVENT_SCHEMAS).flatMap((schema) =>
    schema.fields.filter(({ type }) => type === "timestamp"),
  );
  return [...new Set(fields.map(({ name }) => `\n  | ${JSON.stringify(name)}`))].join("");
}

function eventsSource(): string {
  const parts = ["// Made from schemas/*.avsc by `npm run generate`; change those.\n"];
  for (const { event, doc, fields } of Object.values(EVENT_SCHEMAS)) {
    parts.push(`/** ${doc} */\nexport type ${typeName(event)} = {\n${fields.map(fieldLine).join("\n")}\n};\n`);
  }
  const byTopic = Object.entries(EVENT_BY_TOPIC).map(([topic, event]) => `  ${topic}: ${typeName(event)};`);
  parts.push(`/** The fields that hold times, in whichever event. */\nexport type TimeField =${timeFields()};\n`);
  parts.push(`/** The event of each topic. */\nexport interface EventOfTopic {\n${byTopic.join("\n")}\n}\n`);
  return parts.join("\n");
}

/** Spelt out, as the published types would otherwise be those of the package that checks the settings. */
function connectOptionsSource(): string {
  const lines = Object.entries<Pick<Setting<never>, "env" | "doc" | "unit">>(SETTINGS).map(
    ([name, { env, doc, unit }]) =>
      `  /** ${env}: ${doc}${unit ? ` In ${unit}.` : ""} */\n  readonly ${name}?: SettingValue;`,
  );
  return `// Made from src/settings.ts by \`npm run generate\`; change that.

/** As a value or as the text that the environment would hold; a list as an array or with commas. */
type SettingValue = string | number | boolean | readonly string[] | undefined;

/** Settings, as \`tradetape config\` has them. What isn't given comes from the environment, then from the defaults. */
export interface ConnectOptions {
${lines.join("\n")}
}
`;
}

/** A copy for the Python package, which is installed without schemas/. */
const pythonRules = (): string => readFileSync(new URL("../schemas/rules.json", import.meta.url), "utf8");

/** What is made, by its path from the root. */
export const MADE: Readonly<Record<string, () => string>> = {
  "src/event/events.ts": eventsSource,
  "src/tradetape/connect-options.ts": connectOptionsSource,
  "python/tradetape/rules.json": pythonRules,
  "ops/grafana/tradetape.json": dashboard,
  "ops/k8s/examples/strimzi.yaml": strimziSource,
};

if (import.meta.main) {
  for (const [path, source] of Object.entries(MADE)) writeFileSync(new URL(`../${path}`, import.meta.url), source());
}

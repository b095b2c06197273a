/** The tables of docs/feeds.md: formats, names of columns, and what a map may say. */
import { z } from "zod";
import { bars } from "../../producers/bars.ts";
import { quotes } from "../../producers/quotes.ts";
import { ticks } from "../../producers/ticks.ts";
import { NOT_KEPT, SHARED_SYNONYMS, SYNONYMS } from "../../src/feed/map/fields.ts";
import { FEED_MAP } from "../../src/feed/map/schema.ts";
import { cell, code, table } from "./markdown.ts";

export const formatsTable = (): string =>
  table(
    ["kind", "format", "what it is", "what it may ask"],
    [ticks, quotes, bars].flatMap(({ topic, formats }) =>
      formats.map(({ name, about, asks }) => [topic, code(name), cell(about), cell(asks)]),
    ),
  );

export function synonymsTable(): string {
  const kinds = { ticks: SYNONYMS.ticks, quotes: SYNONYMS.quotes, bars: SYNONYMS.bars, both: SHARED_SYNONYMS };
  const rows = Object.entries(kinds).flatMap(([kind, fields]) =>
    Object.entries(fields).map(([field, names]) => [kind, code(field), cell(names.join(", "))]),
  );
  return table(["kind", "field", "names of columns"], [...rows, ["both", "not kept", cell([...NOT_KEPT].join(", "))]]);
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly additionalProperties?: JsonSchema | boolean;
}

/** Every key of a map, with what it may be and what it means, by the schema that checks maps. */
export function mapTable(): string {
  const schema = z.toJSONSchema(FEED_MAP, { io: "input" }) as JsonSchema;
  const rows = keysOf(schema, "").map(([key, type, meaning]) => [code(key), cell(type), cell(meaning)]);
  return table(["key", "is", "meaning"], rows);
}

function keysOf(schema: JsonSchema, path: string): [string, string, string][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]): [string, string, string][] => {
    const key = path === "" ? name : `${path}.${name}`;
    const own: [string, string, string] = [key, typeOf(inner), inner.description ?? ""];
    const nested = [inner, ...(inner.anyOf ?? []), ...(inner.items ? [inner.items] : [])];
    return [own, ...nested.filter(({ properties }) => properties).flatMap((one) => keysOf(one, key))];
  });
}

function typeOf({ type, items, anyOf, enum: values, const: only, additionalProperties }: JsonSchema): string {
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (values !== undefined) return values.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOf))].join(" or ");
  if (type === "array") return `list of ${items === undefined ? "anything" : typeOf(items)}`;
  if (type === "object" && typeof additionalProperties === "object") return `names to ${typeOf(additionalProperties)}`;
  if (Array.isArray(type)) return type.map((one) => typeOf({ type: one })).join(" or ");
  return TYPE_NAMES[String(type)] ?? String(type);
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  boolean: "true or false",
  object: "keys below",
};

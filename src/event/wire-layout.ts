import avsc from "avsc";
import { EVENT_SCHEMAS, type EventField, type EventName } from "./schemas.ts";

/** One field as a writer lays it on the wire. */
export interface WireField {
  readonly name: string;
  /** How its bytes are read: Avro's own types, but for `texts`, an array of strings. */
  readonly form: "string" | "long" | "int" | "double" | "boolean" | "enum" | "texts";
  /** Which branch of the union is null; undefined where the field isn't a union. */
  readonly nullBranch: 0 | 1 | undefined;
  /** An enum's symbols in the writer's order, undefined for those that the event doesn't know. */
  readonly symbols?: readonly (string | undefined)[];
}

/** A writer's schema as a flat list of fields, and what the fields that it lacks are taken for. */
export interface WireLayout {
  /** In the order of the wire. Those that the event doesn't have are there to be stepped over. */
  readonly fields: readonly WireField[];
  readonly defaults: ReadonlyMap<string, unknown>;
}

/**
 * The layout of a writer's events, or undefined where the bytes alone don't tell enough: nested records, maps, unions of
 * more than a type and null, types that Avro would have to widen. Such events are read by avsc, one object each.
 * @param writer one that avsc can read as the event, and that counts times in microseconds
 */
export function wireLayout(event: EventName, writer: avsc.Type): WireLayout | undefined {
  const { fields: wanted } = EVENT_SCHEMAS[event];
  const known = new Map(wanted.map((field) => [field.name, field]));
  const fields: WireField[] = [];
  for (const { name, type } of (writer as avsc.types.RecordType).fields) {
    const field = wireField(name, type);
    if (field === undefined) return undefined;
    const own = known.get(name);
    const sameForm = own === undefined || FORM[own.type].includes(field.form);
    if (!sameForm || (own && (field.form === "enum") !== (own.symbols !== undefined))) return undefined;
    fields.push(own ? { ...field, ...symbolsBoth(field, own) } : field);
    known.delete(name);
  }
  return { fields, defaults: new Map([...known.values()].map((field) => [field.name, field.default])) };
}

const FORM: Readonly<Record<EventField["type"], readonly WireField["form"][]>> = {
  uuid: ["string"],
  json: ["string"],
  text: ["string", "enum"],
  texts: ["texts"],
  timestamp: ["long"],
  long: ["long"],
  int: ["int"],
  double: ["double"],
  boolean: ["boolean"],
};

/** The types of a union, or the type itself. */
export const branchesOf = (type: avsc.Type): readonly avsc.Type[] =>
  type instanceof avsc.types.UnwrappedUnionType || type instanceof avsc.types.WrappedUnionType ? type.types : [type];

function wireField(name: string, type: avsc.Type): WireField | undefined {
  const types = branchesOf(type);
  if (types[0] === type) return plainField(name, type, undefined);
  const nullBranch = types.findIndex((branch) => branch.typeName === "null");
  const inner = types[1 - nullBranch];
  return types.length === 2 && nullBranch >= 0 && inner ? plainField(name, inner, nullBranch as 0 | 1) : undefined;
}

function plainField(name: string, type: avsc.Type, nullBranch: 0 | 1 | undefined): WireField | undefined {
  const { typeName } = type;
  if (typeName === "array") {
    const isTexts = (type as avsc.types.ArrayType).itemsType.typeName === "string";
    return isTexts ? { name, form: "texts", nullBranch } : undefined;
  }
  if (typeName === "enum") return { name, form: "enum", nullBranch, symbols: (type as avsc.types.EnumType).symbols };
  const isPlain = ["string", "long", "int", "double", "boolean"].includes(typeName);
  return isPlain ? { name, form: typeName as WireField["form"], nullBranch } : undefined;
}

const symbolsBoth = ({ symbols }: WireField, own: EventField) =>
  symbols === undefined
    ? {}
    : { symbols: symbols.map((symbol) => (own.symbols?.includes(symbol!) ? symbol : undefined)) };

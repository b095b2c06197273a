import avsc from "avsc";

/** A schema of ours has 3 to 6 thousand characters; one that is far beyond them was made to keep its readers busy. */
export const SCHEMA_CHARS_MAX = 256 * 1024;
/** How deep the JSON may be nested: a record in a record takes three levels. */
export const SCHEMA_DEPTH_MAX = 128;
/** How many values the JSON may have, names and texts included. */
export const SCHEMA_VALUES_MAX = 20_000;
/**
 * How many types a schema may have where each name stands for the types that it names. Forty records of which each has the next
 * one twice take a few thousand characters, and 2^40 types.
 */
export const SCHEMA_TYPES_MAX = 100_000;

/** A schema that nothing is made of, because making types of it, or reading by them, may take for ever. */
export class HostileSchema extends Error {}

/**
 * Looks at a writer's schema before types are made of it.
 * @throws HostileSchema
 */
export function requireBoundedText(text: string): void {
  if (text.length > SCHEMA_CHARS_MAX)
    throw new HostileSchema(`${text.length} characters, more than ${SCHEMA_CHARS_MAX}`);
  const waiting: (readonly [value: unknown, depth: number])[] = [[parsed(text), 1]];
  let values = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, depth] = next;
    if (++values > SCHEMA_VALUES_MAX) throw new HostileSchema(`more than ${SCHEMA_VALUES_MAX} parts`);
    if (depth > SCHEMA_DEPTH_MAX) throw new HostileSchema(`nested deeper than ${SCHEMA_DEPTH_MAX} levels`);
    if (typeof value !== "object" || value === null) continue;
    for (const part of Object.values(value)) waiting.push([part, depth + 1]);
  }
}

/** What is no JSON is for avsc to refuse: a type's bare name, such as `string`, is a schema, too. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Looks at the types that a writer's schema and those it refers to have become.
 * @throws HostileSchema
 */
export function requireBoundedTypes(type: avsc.Type): void {
  const known = new Map<avsc.Type, number>();
  const countOf = (one: avsc.Type): number => {
    const count = known.get(one);
    if (count !== undefined) return count;
    // A type within itself ends with the bytes that are read: it counts once.
    known.set(one, 1);
    const total = Math.min(
      SCHEMA_TYPES_MAX + 1,
      partsOf(one).reduce((sum, part) => sum + countOf(part), 1),
    );
    known.set(one, total);
    return total;
  };
  if (countOf(type) > SCHEMA_TYPES_MAX)
    throw new HostileSchema(`more than ${SCHEMA_TYPES_MAX} types, each name taken for what it names`);
}

/** The types that this one is made of. */
function partsOf(type: avsc.Type): readonly avsc.Type[] {
  const { types } = avsc;
  if (type instanceof types.RecordType) return type.fields.map((field) => field.type);
  if (type instanceof types.ArrayType) return [type.itemsType];
  if (type instanceof types.MapType) return [type.valuesType];
  if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType) return type.types;
  return type instanceof types.LogicalType ? [type.underlyingType] : [];
}

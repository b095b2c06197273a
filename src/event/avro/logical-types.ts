import type avsc from "avsc";

/** avsc drops a logical type that it has no class for; it says what the numbers of a time count, so it is kept here. */
const logicalTypes = new WeakMap<avsc.Type, string>();

/** The logical type that the schema of this type declares. */
export const logicalTypeOf = (type: avsc.Type): string | undefined => logicalTypes.get(type);

/** @param schema of which `type` was made */
export function keepLogicalType(type: avsc.Type, schema: avsc.Schema): void {
  const { logicalType } = schema as { readonly logicalType?: unknown };
  if (typeof logicalType === "string") logicalTypes.set(type, logicalType);
}

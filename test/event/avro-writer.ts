/** A schema as its JSON has it. */
export type AvroSchema =
  | string
  | readonly AvroSchema[]
  | {
      readonly type: AvroSchema;
      readonly logicalType?: string;
      readonly items?: AvroSchema;
      readonly values?: AvroSchema;
      readonly name?: string;
      readonly size?: number;
      readonly symbols?: readonly string[];
      readonly fields?: readonly { readonly name: string; readonly type: AvroSchema }[];
    };

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; zigzag > 0x7fn; zigzag >>= 7n) bytes.push(Number(zigzag & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(zigzag)]);
}

const prefixed = (bytes: Buffer): Buffer => Buffer.concat([varint(BigInt(bytes.length)), bytes]);

function real(value: number, size: 4 | 8): Buffer {
  const bytes = Buffer.alloc(size);
  if (size === 4) bytes.writeFloatLE(value);
  else bytes.writeDoubleLE(value);
  return bytes;
}

/**
 * Avro's bytes of a value, for what avsc doesn't write: longs of 64 bits, as bigints. Texts are strings, bytes and fixed
 * are Buffers, a record is an object, a map is empty; of a union's branches, null is for null and the last other one for
 * the rest.
 */
export function avroBytes(schema: AvroSchema, value: unknown): Buffer {
  if (typeof schema !== "string" && !("type" in schema)) {
    const branches = schema.map((branch) => branch === "null");
    const index = value === null ? branches.indexOf(true) : branches.lastIndexOf(false);
    return Buffer.concat([varint(BigInt(index)), avroBytes(schema[index]!, value)]);
  }
  const { type, items, symbols, fields } = typeof schema === "string" ? { type: schema } : schema;
  switch (type) {
    case "null":
      return Buffer.alloc(0);
    case "boolean":
      return Buffer.from([value ? 1 : 0]);
    case "int":
    case "long":
      return varint(BigInt(value as number | bigint));
    case "float":
      return real(value as number, 4);
    case "double":
      return real(value as number, 8);
    case "string":
      return prefixed(Buffer.from(value as string));
    case "bytes":
      return prefixed(value as Buffer);
    case "fixed":
      return value as Buffer;
    case "enum":
      return varint(BigInt(symbols!.indexOf(value as string)));
    case "array": {
      const list = (value as readonly unknown[]).map((item) => avroBytes(items!, item));
      return Buffer.concat([...(list.length > 0 ? [varint(BigInt(list.length))] : []), ...list, varint(0n)]);
    }
    case "record": {
      const record = value as Readonly<Record<string, unknown>>;
      return Buffer.concat(fields!.map((field) => avroBytes(field.type, record[field.name])));
    }
    case "map":
      return varint(0n);
    default:
      throw new Error(`no type of Avro's: ${JSON.stringify(schema)}`);
  }
}

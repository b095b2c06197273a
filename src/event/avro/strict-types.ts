import { isUtf8 } from "node:buffer";
import avsc from "avsc";
import { keepLogicalType } from "./logical-types.ts";
import { type Resolver, StrictDouble, StrictInt, StrictLong, type Tap } from "./strict-numbers.ts";

class StrictString extends avsc.types.StringType {
  override _read(tap: Tap): string | undefined {
    const start = tap.pos;
    const text = tap.readString();
    // A search for U+FFFD costs nothing in one-byte text, as nearly all is; the bytes are looked at when it is there.
    if (text?.includes("\ufffd")) {
      const end = tap.pos;
      tap.pos = start;
      tap.readLong();
      if (!isUtf8(tap.buf.subarray(tap.pos, end))) throw new Error("invalid UTF-8");
      tap.pos = end;
    }
    return text;
  }
}

/** How many items the block at `tap` holds; 0 ends the array or map. */
function blockCount(tap: Tap): number {
  let count = tap.readLong();
  if (count < 0) {
    count = -count;
    if (!(tap.readLong() >= 0)) throw new Error("a block of negative size");
  }
  if (!(count <= tap.buf.length - tap.pos)) throw new Error("more items than bytes");
  return count;
}

/** Items of no bytes (an array of null) are refused: with them, no count is bounded by the value's length. */
function requireProgress(tap: Tap, before: number): void {
  if (tap.pos <= before) throw new Error("an item of no bytes");
}

class StrictArray extends avsc.types.ArrayType {
  override _read(tap: Tap): unknown[] {
    const items = this.itemsType;
    const values: unknown[] = [];
    for (let n = blockCount(tap); n !== 0; n = blockCount(tap)) {
      while (n-- > 0) {
        const before = tap.pos;
        values.push(items._read(tap));
        requireProgress(tap, before);
      }
    }
    return values;
  }

  override _skip(tap: Tap): void {
    const items = this.itemsType;
    for (let n = blockCount(tap); n !== 0; n = blockCount(tap)) {
      while (n-- > 0) {
        const before = tap.pos;
        items._skip(tap);
        requireProgress(tap, before);
      }
    }
  }
}

/** No event has a map; a newer writer's may, and it is skipped. */
class StrictMap extends avsc.types.MapType {
  override _skip(tap: Tap): void {
    const values: avsc.Type = this.valuesType;
    for (let n = blockCount(tap); n !== 0; n = blockCount(tap)) {
      while (n-- > 0) {
        tap.skipString();
        values._skip(tap);
      }
    }
  }
}

/**
 * The steps that are left for reading from `stepsOf`: a record within a record may take no bytes, so that the value's length
 * doesn't bound how many there are.
 */
let stepsLeft = 0;
let stepsOf: Tap | undefined;

/** A value's record within records takes a byte at least, or stands there a few times. */
const STEPS_PER_BYTE = 4;
const STEPS_OF_NO_BYTES_MAX = 1024;

/** Nested records are a newer writer's: they are skipped, each counted with those of its fields that take no bytes. */
class StrictRecord extends avsc.types.RecordType {
  override _createSkipper(): (tap: Tap) => void {
    const skip = super._createSkipper();
    const steps = 1 + this.fields.filter(({ type }) => takesNoBytes(type)).length;
    return (tap) => {
      if (tap !== stepsOf) {
        stepsOf = tap;
        stepsLeft = STEPS_OF_NO_BYTES_MAX + STEPS_PER_BYTE * tap.buf.length;
      }
      stepsLeft -= steps;
      if (stepsLeft < 0) throw new Error("more records than its bytes can hold");
      skip(tap);
    };
  }
}

const takesNoBytes = (type: avsc.Type): boolean =>
  type.typeName === "null" || (type instanceof avsc.types.FixedType && type.size === 0);

/**
 * A writer whose enum has grown is refused by avsc as a whole, for every event. Avro's rule is about the symbol that
 * was sent: only an event that holds a symbol unknown here can't be read.
 */
class StrictEnum extends avsc.types.EnumType {
  override _update(resolver: Resolver, writer: avsc.Type, options: object): void {
    const symbols = (writer as avsc.types.EnumType).symbols;
    if (writer.typeName !== "enum" || unqualified(writer.name) !== unqualified(this.name)) {
      super._update(resolver, writer, options);
      return;
    }
    const known = symbols.map((symbol) => this.symbols.includes(symbol));
    resolver._read = (tap) => {
      const index = tap.readLong();
      if (known[index] !== true) throw new Error(`${this.name}: no symbol ${symbols[index] ?? `number ${index}`}`);
      return symbols[index];
    };
  }
}

const unqualified = (name: string | undefined): string | undefined => name?.split(".").at(-1);

type Constructor = new (schema: avsc.Schema, options: object) => avsc.Type;

const STRICT_BY_NAME: Readonly<Record<string, Constructor>> = {
  string: StrictString,
  int: StrictInt,
  long: StrictLong,
  double: StrictDouble,
  array: StrictArray,
  map: StrictMap,
  enum: StrictEnum,
  record: StrictRecord,
  error: StrictRecord,
  // avsc's own, so that `strictType` makes them and their logical type, such as decimal, is kept.
  bytes: avsc.types.BytesType,
  fixed: avsc.types.FixedType,
};

/**
 * avsc's `typeHook`: the strict type for a schema that has one. A type's name alone ("string") is a schema, too.
 *
 * avsc trusts the bytes it reads: it turns invalid UTF-8 into U+FFFD, lets an int exceed 32 bits, writes and reads a
 * long below -2^52 as a positive one, allocates whatever count an array claims (eight bytes can ask for a petabyte),
 * and goes backwards, without end, over a block whose size is negative. One such message would change an event or end
 * the process.
 */
export function strictType(schema: avsc.Schema, options: object): avsc.Type | undefined {
  if (Array.isArray(schema)) return undefined;
  const name = typeof schema === "string" ? schema : (schema as { type?: unknown }).type;
  // avsc would find it among an object's members, and read by whatever that is.
  if (typeof name === "string" && name in Object.prototype) throw new Error(`undefined type name: ${name}`);
  const strict = typeof name === "string" ? STRICT_BY_NAME[name] : undefined;
  if (strict === undefined) return undefined;
  const type = new strict(schema, options);
  keepLogicalType(type, schema);
  return type;
}

import avsc from "avsc";
import { logicalTypeOf } from "./logical-types.ts";

/** What avsc's internal methods read and write by; the package's version is pinned exactly because these types use them. */
export interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  readInt(): number;
  readString(): string | undefined;
  skipString(): void;
  writeLong(n: number): void;
}

declare module "avsc" {
  /** What avsc's declarations leave out of its types. */
  interface Type {
    _read(tap: Tap): unknown;
    _skip(tap: Tap): void;
    _update(resolver: { _read?: (tap: Tap) => unknown }, writer: Type, options: object): void;
  }
  namespace types {
    interface RecordType {
      /** What the constructor keeps as `_skip`, before it freezes the type. */
      _createSkipper(): (tap: Tap) => void;
    }
  }
}

export type Resolver = Parameters<avsc.Type["_update"]>[0];

export class StrictInt extends avsc.types.IntType {
  override _read(tap: Tap): number {
    const n = tap.readInt();
    if (n !== (n | 0)) throw new Error("an int beyond 32 bits");
    return n;
  }
}

/** Up to here a long's zigzag form, twice as large, is exact in the doubles that avsc counts in. */
const EXACT_MAX = 2 ** 52;
const isExact = (n: number): boolean => n < EXACT_MAX && n > -EXACT_MAX;

/** The long at `tap`, digit by digit. */
function readExactLong(tap: Tap): bigint {
  let zigzag = 0n;
  for (let shift = 0n; shift < 64n; shift += 7n) {
    const byte = tap.buf[tap.pos++] ?? 0;
    zigzag |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80 && zigzag < 1n << 64n) return (zigzag >> 1n) ^ -(zigzag & 1n);
  }
  throw new Error("a long of more than 64 bits");
}

export class StrictLong extends avsc.types.LongType {
  override _read(tap: Tap): number {
    const start = tap.pos;
    const n = tap.readLong();
    if (isExact(n)) return n;
    tap.pos = start;
    const exact = Number(readExactLong(tap));
    if (!Number.isSafeInteger(exact)) throw new Error("a long beyond 2^53");
    return exact;
  }

  _write(tap: Tap, n: unknown): void {
    if (!Number.isSafeInteger(n)) throw new Error(`not a long that a number holds: ${String(n)}`);
    if (isExact(n as number)) {
      tap.writeLong(n as number);
      return;
    }
    const long = BigInt(n as number);
    let zigzag = (long << 1n) ^ (long >> 63n);
    // Beyond the buffer's end this writes nothing and moves on, as all of avsc's writers do.
    for (; zigzag > 0x7fn; zigzag >>= 7n) tap.buf[tap.pos++] = Number(zigzag & 0x7fn) | 0x80;
    tap.buf[tap.pos++] = Number(zigzag);
  }

  /** A writer's nanoseconds since 1970 are read as a bigint, because no number holds those of after April 1970. */
  override _update(resolver: Resolver, writer: avsc.Type, options: object): void {
    if (logicalTypeOf(writer) === "timestamp-nanos") resolver._read = readExactLong;
    else super._update(resolver, writer, options);
  }
}

/** A writer's long is read as a double that is equal to the long, or not at all. */
export class StrictDouble extends avsc.types.DoubleType {
  override _update(resolver: Resolver, writer: avsc.Type, options: object): void {
    if (writer.typeName === "long") resolver._read = readLongAsDouble;
    else super._update(resolver, writer, options);
  }
}

function readLongAsDouble(tap: Tap): number {
  const long = readExactLong(tap);
  const double = Number(long);
  if (BigInt(double) !== long) throw new Error(`${long} is a long that no double holds`);
  return double;
}

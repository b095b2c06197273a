import { type Early1970, isEarly1970 } from "../../event/time/range.ts";
import type { WireField } from "../../event/wire-layout.ts";
import {
  CopyBuffer,
  type FieldWriter,
  writeBigint,
  writeBoolean,
  writeDouble,
  writeInt,
  writeJsonb,
  writeNull,
  writeSmallint,
  writeText,
  writeTexts,
  writeTimestamp,
  writeUuid,
} from "./copy-buffer.ts";
import {
  bigintStep,
  booleanStep,
  DECLINED,
  doubleStep,
  intStep,
  longRead,
  putTimestamp,
  readLong,
  readSmall,
  type Step,
  small,
  smallintStep,
  timestampStep,
  uuidStep,
} from "./fixed-steps.ts";
import { jsonStep, textStep, textsStep } from "./text-steps.ts";

/** The most that a text or a list grows by: an item of one byte, its length 0, becomes the four bytes of a length. */
export const GROWTH_PER_BYTE = 4;
/** The most that a field of another kind becomes; for a list, what stands before its items. */
export const FIELD_BYTES_MAX = 24;

/** What a field's row needs at most beside `GROWTH_PER_BYTE` times its bytes. */
export const longestField = ({ symbols }: WireField): number =>
  Math.max(FIELD_BYTES_MAX, ...(symbols ?? []).map((symbol) => 4 + 3 * (symbol?.length ?? 0)));

/** A symbol's place in the writer's list becomes its text. */
function enumStep(symbols: readonly (string | undefined)[]): Step {
  const fields = symbols.map((symbol) => (symbol === undefined ? undefined : fieldOf(writeText, symbol)));
  return (out, bytes, at) => {
    const next = readSmall(bytes, at);
    const field = next === DECLINED ? undefined : fields[small];
    if (field === undefined) return DECLINED;
    out.bytes.set(field, out.length);
    out.length += field.length;
    return next;
  };
}

/** A field's bytes as a column's writer has them. */
export function fieldOf(write: FieldWriter, value: unknown): Uint8Array {
  const out = new CopyBuffer(64);
  if (value === null) writeNull(out);
  else if (!write(out, value)) throw new Error(`a column can't hold ${JSON.stringify(value)}, of our own schema`);
  return out.bytes.subarray(0, out.length);
}

const STEP_BY_WRITER: ReadonlyMap<FieldWriter, Step> = new Map([
  [writeUuid, uuidStep],
  [writeTimestamp, timestampStep],
  [writeBigint, bigintStep],
  [writeInt, intStep],
  [writeSmallint, smallintStep],
  [writeDouble, doubleStep],
  [writeBoolean, booleanStep],
  [writeText, textStep],
  [writeJsonb, jsonStep],
  [writeTexts, textsStep],
]);

/** Declines what may be another unit than microseconds, because only a letter can say so. */
const lateStep: Step = (out, bytes, at) => {
  const next = readLong(bytes, at);
  if (next === DECLINED) return next;
  const us = longRead();
  if (isEarly1970(us)) return DECLINED;
  putTimestamp(out, us);
  return next;
};

/** The step that reads this field and writes it as `write` would, undefined where there is none. */
export function writeStep(field: WireField, write: FieldWriter, early1970: Early1970): Step | undefined {
  if (field.symbols !== undefined) return enumStep(field.symbols);
  if (write === writeTimestamp && early1970 === "refuse") return lateStep;
  return STEP_BY_WRITER.get(write);
}

/** Nulls are the step's `whenNull`; anything but a union index of one byte is declined. */
export function nullableStep(nullBranch: 0 | 1, whenNull: (out: CopyBuffer) => void, step: Step): Step {
  const nullByte = 2 * nullBranch;
  const valueByte = 2 - nullByte;
  return (out, bytes, at, end) => {
    const branch = bytes[at];
    if (branch === valueByte) return step(out, bytes, at + 1, end);
    if (branch !== nullByte) return DECLINED;
    whenNull(out);
    return at + 1;
  };
}

/** Notes the time that the next long holds. */
export const timeStep =
  (watch: { time: number }, step: Step): Step =>
  (out, bytes, at, end) => {
    const next = step(out, bytes, at, end);
    if (next !== DECLINED) watch.time = longRead();
    return next;
  };

const skipText: Step = (_out, bytes, at, end) => {
  const next = readSmall(bytes, at);
  return next === DECLINED || small < 0 || next + small > end ? DECLINED : next + small;
};

const SKIP_BY_FORM: Readonly<Record<WireField["form"], Step | undefined>> = {
  string: skipText,
  long: (_out, bytes, at) => readLong(bytes, at),
  int: (_out, bytes, at) => readSmall(bytes, at),
  enum: (_out, bytes, at) => readSmall(bytes, at),
  double: (_out, _bytes, at) => at + 8,
  boolean: (_out, _bytes, at) => at + 1,
  texts: undefined,
};

/** Steps over a field that the event doesn't have. */
export function skipStep({ form, nullBranch }: WireField): Step | undefined {
  const skip = SKIP_BY_FORM[form];
  return skip === undefined || nullBranch === undefined ? skip : nullableStep(nullBranch, () => {}, skip);
}

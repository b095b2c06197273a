import { describe, expect, it } from "vitest";
import { insertLetters, insertParked, type LetterRow } from "../../../src/table/landing/letters.ts";
import { insertOutbox } from "../../../src/table/landing/outbox.ts";
import fc from "../../support/random/fast-check.ts";

const MIB = 1024 * 1024;
const STATEMENT_BYTES_MAX = 32 * MIB;

/** Takes every statement's rows, and keeps what each held: its columns that are lists. */
function takingConnection() {
  const statements: unknown[][][] = [];
  const run = async (_sql: string, values: readonly unknown[]) => {
    const lists = values.filter((value) => Array.isArray(value)) as unknown[][];
    statements.push(lists);
    return lists[0]!.length;
  };
  return { statements, connection: { run } as never };
}

/** One memory for all: what counts is how long a value is. */
const MEMORY = Buffer.alloc(40 * MIB);

interface Sizes {
  readonly key: number;
  readonly value: number | null;
  readonly header: number;
}

const rowOf = ({ key, value, header }: Sizes, n: number): LetterRow => ({
  ...{
    offset: n,
    reason: "too_large",
    detail: "",
    column: null,
    sqlstate: null,
    publishedAtMs: 0,
    attempts: 0,
    cut: null,
  },
  key: MEMORY.subarray(0, key),
  value: value === null ? null : MEMORY.subarray(0, value),
  headers: { h: "x".repeat(header) },
});
const bytesOf = ({ key, value, header }: Sizes) => key + (value ?? 0) + header;

const INSERTS = {
  letters: (connection: never, rows: readonly LetterRow[]) => insertLetters(connection, "t", 0, rows),
  "parked events": (connection: never, rows: readonly LetterRow[]) =>
    insertParked(
      connection,
      "t",
      0,
      rows.map((row) => ({ ...row, value: row.value ?? Buffer.alloc(0), eventId: "", missing: {} })),
    ),
  "outbox messages": (connection: never, rows: readonly LetterRow[]) =>
    insertOutbox(
      connection,
      "t",
      rows.map((message) => ({ partition: message.offset, message: { ...message, topic: "t" } })),
    ),
};

const SIZES = fc.record({
  key: fc.constantFrom(0, 0, 5, 3 * MIB),
  value: fc.constantFrom(null, 0, 100, MIB, 9 * MIB, 16 * MIB, 31 * MIB, 40 * MIB),
  header: fc.constantFrom(0, 0, 10, MIB),
});

describe.each(Object.entries(INSERTS))("%s", (_, insert) => {
  it("go by statements that hold so much at most, or one row, all of them once and in their order", async () => {
    const property = fc.asyncProperty(fc.array(SIZES, { maxLength: 12 }), async (all) => {
      const { statements, connection } = takingConnection();
      await insert(connection, all.map(rowOf));
      const lengths = statements.map(([first]) => first!.length);
      expect(statements.flatMap(([first]) => first)).toEqual(all.map((_row, n) => n));
      let at = 0;
      const held = lengths.map((length) => {
        const bytes = all.slice(at, at + length).reduce((sum, sizes) => sum + bytesOf(sizes), 0);
        at += length;
        return { length, bytes };
      });
      // The header's name is counted, too.
      const tooFull = held.filter(({ length, bytes }) => length > 1 && bytes > STATEMENT_BYTES_MAX);
      expect([tooFull, lengths.every((length) => length > 0)]).toEqual([[], true]);
      // No statement could have taken the first row of the next one.
      const early = held.slice(0, -1).filter(({ length, bytes }, n) => {
        const next = held.slice(0, n + 1).reduce((sum, one) => sum + one.length, 0);
        return bytes + bytesOf(all[next]!) + length + 1 <= STATEMENT_BYTES_MAX;
      });
      expect(early).toEqual([]);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it("of which there are none ask nothing", async () => {
    const { statements, connection } = takingConnection();
    await insert(connection, []);
    expect(statements).toEqual([]);
  });
});

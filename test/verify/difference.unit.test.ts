import { describe, expect, test } from "vitest";
import type { ComparedTable } from "../../src/table/checks/compared-table.ts";
import type { Connection } from "../../src/table/connection.ts";
import { notEquallyFar, placesText } from "../../src/verify/alike.ts";
import { differingParts, type Pair } from "../../src/verify/difference.ts";
import { Excuses } from "../../src/verify/excuses.ts";

const digested = (parts: Readonly<Record<string, readonly [rows: number, digest: string]>>) =>
  new Map(Object.entries(parts).map(([part, [rows, digest]]) => [part, { key: part, rows, digest }]));

test("parts differ that have another digest, another number of rows, or one side only, and are named in order", () => {
  const here = digested({ d: [1, "x"], a: [2, "x"], b: [2, "y"], c: [3, "z"] });
  const there = digested({ a: [2, "x"], b: [2, "Y"], c: [4, "z"], e: [5, "x"] });
  expect(differingParts({ here, there })).toEqual([
    { part: "b", rowsHere: 2, rowsThere: 2 },
    { part: "c", rowsHere: 3, rowsThere: 4 },
    { part: "d", rowsHere: 1, rowsThere: 0 },
    { part: "e", rowsHere: 0, rowsThere: 5 },
  ]);
});

describe("partitions that stand apart", () => {
  const at = (partition: number, here: number | null, there: number | null) => ({
    topic: "ticks",
    partition,
    here,
    there,
  });

  test("are told with both offsets, and the eleventh as one of more", () => {
    expect(placesText([at(0, 5, null), at(1, null, 7)])).toBe(
      "ticks/0 at 5 here and nothing there, ticks/1 at nothing here and 7 there",
    );
    const many = Array.from({ length: 12 }, (_, partition) => at(partition, 1, 2));
    expect(placesText(many)).toMatch(/ticks\/9 at 1 here and 2 there, 2 more$/);
    expect(placesText(many)).not.toContain("ticks/10");
  });

  test("are an error that time may mend", () => {
    expect(notEquallyFar([at(0, 5, 6)], 1500)).toMatchObject({
      canRetry: true,
      message: expect.stringContaining("after 1.5 s"),
    });
  });
});

interface Letter {
  readonly id: string;
  readonly eventId: string | null;
  readonly reason: string;
}

describe("the excuse for a row that differs", () => {
  const TABLE = { name: "bars", content: new Set(["close"]) } as unknown as ComparedTable; // what an excuse asks of it
  const side = (letters: readonly Letter[]) =>
    ({
      query: async (_: string, [ids]: [string[]]) => letters.filter(({ id }) => ids.includes(id)),
    }) as unknown as Connection; // letters by id
  const row = (here?: string, there?: string) => ({ id: "event", here, there });

  /** What is excused once these letters, of which each database lacks the other's, were noted. */
  async function noted(here: readonly string[], there: readonly string[]): Promise<Excuses> {
    const lettersOf = (reasons: readonly string[], name: string) =>
      reasons.map((reason, n) => ({ id: `${name} ${n}`, eventId: "event", reason }));
    const [mine, theirs] = [lettersOf(here, "here"), lettersOf(there, "there")];
    const pair: Pair = { here: side(mine), there: side(theirs) };
    const excuses = new Excuses();
    const rows = [
      ...mine.map(({ id }) => ({ id, here: "x", there: undefined })),
      ...theirs.map(({ id }) => ({ id, here: undefined, there: "x" })),
    ];
    await excuses.note(pair, { partition: "", hour: undefined, path: [], rows });
    return excuses;
  }

  test("that only one database has is that the other gave the event up, and nothing else", async () => {
    const excuses = await noted(["missing_parent"], ["invalid"]);
    expect(excuses.ofRow(TABLE, row(undefined, "x"), [])).toBe("became_row");
    expect(excuses.ofRow(TABLE, row("x", undefined), [])).toBeUndefined();
  });

  test("that both have never covers content, except where two events of one id crossed", async () => {
    const gaveUp = await noted(["unknown_session"], []);
    expect(gaveUp.ofRow(TABLE, row("x", "y"), ["source_offset"])).toBe("became_row");
    expect(gaveUp.ofRow(TABLE, row("x", "y"), ["source_offset", "close"])).toBeUndefined();
    const crossed = await noted(["conflicting_duplicate"], ["conflicting_duplicate"]);
    expect(crossed.ofRow(TABLE, row("x", "y"), ["close"])).toBe("same_id");
    const oneSided = await noted(["conflicting_duplicate"], []);
    expect(oneSided.ofRow(TABLE, row("x", "y"), ["close"])).toBeUndefined();
  });

  test("that both have and no letter tells of is that another partition's came first, if only the place differs", async () => {
    const none = await noted([], []);
    expect(none.ofRow(TABLE, row("x", "y"), ["source_partition", "source_offset"])).toBe("same_id");
    expect(none.ofRow(TABLE, row("x", "y"), ["source_offset"])).toBeUndefined();
  });

  test("that only a database has which landed from a log that was cut covers as many rows as its rewinds count", async () => {
    const excuses = await noted([], []);
    excuses.noteCutLog("bars", "here", 2);
    expect(excuses.ofRow(TABLE, row(undefined, "x"), [])).toBeUndefined();
    const only = [1, 2, 3].map(() => excuses.ofRow(TABLE, row("x", undefined), []));
    expect(only).toEqual(["cut_log", "cut_log", undefined]);
    expect(excuses.ofRow(TABLE, row("x", "y"), ["source_offset"])).toBe("cut_log");
    expect(excuses.ofRow(TABLE, row("x", "y"), ["source_offset", "close"])).toBeUndefined();
  });
});

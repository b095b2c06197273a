import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.doUnmock("../../../consumers/all.ts");
  vi.resetModules();
});

/** The flags as they are where these topics' tables have days. */
async function flagsWhere(...byDay: readonly string[]) {
  vi.resetModules();
  vi.doMock("../../../consumers/all.ts", async (original) => {
    const real = await original<typeof import("../../../consumers/all.ts")>();
    return {
      ...real,
      CONSUMERS: real.CONSUMERS.map((one) => ({ ...one, partitionedByDay: byDay.includes(one.topic) })),
    };
  });
  return import("../../../src/cli/rebuild/days.ts");
}

test("what is done to one table asks which one where several have days, and names them", async () => {
  const { oneWithDays } = await flagsWhere("ticks", "fills");
  expect(() => oneWithDays("", {})).toThrow(
    expect.objectContaining({ code: "input_invalid", message: "which table?", next: "Give --topic: ticks, fills." }),
  );
  expect(oneWithDays("", { topic: "fills" }).topic).toBe("fills");
});

test("the only table with days needs no naming", async () => {
  const { oneWithDays } = await flagsWhere("fills");
  expect(oneWithDays("", {}).topic).toBe("fills");
});

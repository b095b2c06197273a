import { describe, expect, test } from "vitest";
import { PublishSpeed } from "../../src/cli/publish-speed.ts";
import { parseSpeed } from "../../src/replay/bounds.ts";

const at = (ms: number) => ({ timestamp: 1_000_000_000 + ms * 1000 });

/** The events' times in milliseconds, by the moment that each slice was let go at; in virtual time. */
async function slices(speed: string, arrays: readonly (readonly number[])[], stopAtMs = Number.POSITIVE_INFINITY) {
  let now = 500;
  const stop = new AbortController();
  const sleep = async (ms: number) => {
    now += ms;
    if (now - 500 >= stopAtMs) stop.abort();
  };
  const pace = new PublishSpeed(parseSpeed(speed), stop.signal, { now: () => now, sleep });
  const seen: [number, number[]][] = [];
  for (const times of arrays) {
    for await (const some of pace.let(times.map(at))) {
      seen.push([now - 500, some.map(({ timestamp }) => (timestamp - 1_000_000_000) / 1000)]);
    }
  }
  return seen;
}

describe("a pace", () => {
  test("at full speed lets every array go as it is", async () => {
    expect(await slices("max", [[0, 60_000], [5]])).toEqual([
      [0, [0, 60_000]],
      [0, [5]],
    ]);
  });

  test("by the events' own time waits as long as lay between them, over arrays, by its factor", async () => {
    expect(await slices("1x", [[0, 0, 1000], [3000]])).toEqual([
      [0, [0, 0]],
      [1000, [1000]],
      [3000, [3000]],
    ]);
    expect(await slices("10x", [[0, 1000, 3000]])).toEqual([
      [0, [0]],
      [100, [1000]],
      [300, [3000]],
    ]);
  });

  test("lets what lies before its predecessor go at once, and what is close together in one slice", async () => {
    expect(await slices("1x", [[0, 1000, 200, 1010, 1049, 1051]])).toEqual([
      [0, [0]],
      [1000, [1000, 200]],
      [1050, [1010, 1049]],
      [1100, [1051]],
    ]);
  });

  test("by the second counts events, whatever their time", async () => {
    const seen = await slices("10/s", [[0, 0, 0, 0], [0]]);
    expect(seen).toEqual([
      [0, [0]],
      [100, [0]],
      [200, [0]],
      [300, [0]],
      [400, [0]],
    ]);
  });

  test("ends with a signal, without what wasn't due", async () => {
    expect(await slices("1x", [[0, 1000, 5000]], 2000)).toEqual([
      [0, [0]],
      [1000, [1000]],
    ]);
  });
});

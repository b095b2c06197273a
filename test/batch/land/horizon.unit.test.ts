import { expect, it } from "vitest";
import { Horizon } from "../../../src/batch/land/horizon.ts";
import type { Connection } from "../../../src/table/connection.ts";

/** A database whose partition 0 stands where the test says, and a topic whose log ends there. */
function world(nextOffset: number, high: number) {
  const landed = { partition: 0, nextOffset, rewinds: 0 };
  const log = { partition: 0, low: 0, high };
  const connection = { query: async () => [{ ...landed }] } as unknown as Connection;
  const ends = { nameOf: (topic: string) => topic, read: async () => [{ ...log }], readAt: async () => new Map() };
  const read = () => Horizon.read((ask) => ask(connection), ends, ["predictions"]);
  return { landed, log, connection, read };
}

it("is passed when all that the topic held has landed, and not before", async () => {
  const { landed, connection, read } = world(5, 8);
  const horizon = await read();
  expect(await horizon.isPassed(connection)).toBe(false);
  landed.nextOffset = 8;
  expect(await horizon.isPassed(connection)).toBe(true);
});

it("isn't passed by what landed from a log that was cut, but by what lands once that was rewound", async () => {
  const { landed, connection, read } = world(100, 75);
  const horizon = await read();
  expect(await horizon.isPassed(connection)).toBe(false);
  Object.assign(landed, { nextOffset: 70, rewinds: 1 });
  expect(await horizon.isPassed(connection)).toBe(false);
  landed.nextOffset = 75;
  expect(await horizon.isPassed(connection)).toBe(true);
});

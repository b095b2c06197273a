import { pino } from "pino";
import { expect, test } from "vitest";
import type { Input } from "../../src/stream/inputs.ts";
import { Marks } from "../../src/stream/marks.ts";
import type { Machine } from "../../src/stream/program.ts";
import type { SoleMember } from "../../src/topic/sole-member.ts";

const input = (partition: number, next: number): Input => ({
  ...{ topic: "ticks", topicName: "ticks", partition, next },
  ...{ done: 0, isWhole: true, end: 99, lastEnd: undefined, isPaused: false },
});

/** A member that keeps what it is told to mark, and fails as often as the test says. */
function setUp(failures = 0) {
  const marked: string[] = [];
  let left = failures;
  const member = {
    mark: async (marks: readonly { partition: number; offset: number; note: string }[]) => {
      if (left-- > 0) throw new Error("rebalance in progress");
      marked.push(marks.map(({ partition, offset, note }) => `${partition}: ${offset} from ${note}`).join(", "));
    },
  } as unknown as SoleMember; // all that a mark asks of it
  const machine = (oldest: Record<number, number>): Machine => ({ take: () => [], oldest: (_, at) => oldest[at]! });
  return { marks: new Marks(member, pino({ level: "silent" })), marked, machine };
}

test("beside each place stands the oldest record that a restart needs, and never one behind the place", async () => {
  const { marks, marked, machine } = setUp();
  await marks.write([input(0, 10), input(1, 20)], machine({ 0: 4, 1: 25 }), undefined, true);
  expect(marked).toEqual(["0: 10 from 4, 1: 20 from 20"]);
});

test("a machine that doesn't say what it needs is shown everything again", async () => {
  const { marks, marked } = setUp();
  await marks.write([input(0, 10)], { take: () => [] }, undefined, true);
  expect(marked).toEqual(["0: 10 from 0"]);
});

test("places that have not moved are not marked again, the last one as little", async () => {
  const { marks, marked, machine } = setUp();
  for (const isLast of [false, true, true]) await marks.write([input(0, 10)], machine({ 0: 4 }), undefined, isLast);
  expect(marked).toHaveLength(1);
});

test("a mark that failed is written the next time, and ends no run", async () => {
  const { marks, marked, machine } = setUp(1);
  for (let n = 0; n < 2; n++) await marks.write([input(0, 10)], machine({ 0: 4 }), undefined, true);
  expect(marked).toEqual(["0: 10 from 4"]);
});

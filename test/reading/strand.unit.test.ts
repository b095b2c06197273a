import { describe, expect, test } from "vitest";
import { Strand } from "../../src/reading/strand.ts";
import fc from "../support/random/fast-check.ts";

const AT = { topicName: "ticks", partition: 0, offset: 10 };

/** A strand whose marks are kept at once. */
function keptStrand(): Strand {
  const strand: Strand = new Strand(AT, AT.offset, async () => {
    strand.kept = strand.mark;
  });
  return strand;
}

describe("a group's mark", () => {
  test("stands before the first message that isn't acknowledged, whatever comes first", async () => {
    const orders = fc.record({
      gaps: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }),
      order: fc.infiniteStream(fc.nat()),
      count: fc.nat({ max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(orders, async ({ gaps, order, count }) => {
        const strand = keptStrand();
        const offsets = gaps.map((_, n) => AT.offset + gaps.slice(0, n + 1).reduce((sum, gap) => sum + gap, 0) - 1);
        for (const offset of offsets) strand.hand(offset);
        strand.pass(offsets.at(-1)! + 3);
        const left = [...offsets];
        for (let n = 0; n < count && left.length > 0; n++) {
          const [offset] = left.splice(order.next().value! % left.length, 1);
          expect(await strand.ack(offset!)).toBe(true);
          expect(strand.kept).toBe(left[0] ?? offsets.at(-1)! + 3);
        }
      }),
    );
  });

  test("moves by an ack of all, and never back by one that comes later or twice", async () => {
    const strand = keptStrand();
    for (const offset of [10, 11, 12]) strand.hand(offset);
    expect([await strand.ackAll(), strand.kept]).toEqual([true, 13]);
    expect([await strand.ack(11), strand.kept]).toEqual([true, 13]);
    strand.hand(13);
    expect([await strand.ack(11), strand.kept]).toEqual([true, 13]);
    expect([await strand.ack(13), strand.kept]).toEqual([true, 14]);
  });

  test("is written for what nobody wanted, too, where it is much and nothing is open", async () => {
    const strand = keptStrand();
    strand.pass(9_000);
    expect(strand.kept).toBe(10);
    strand.hand(9_000);
    strand.pass(20_000);
    expect(strand.kept).toBe(10);
    await strand.ack(9_000);
    strand.pass(30_000);
    expect(strand.kept).toBe(30_000);
  });

  test("of a partition that is lost isn't kept, and an ack says so", async () => {
    const strand = keptStrand();
    strand.hand(10);
    strand.isLost = true;
    expect([await strand.ack(10), strand.kept]).toEqual([false, 10]);
  });
});

test("who never acknowledges is told before memory is full", () => {
  const strand = keptStrand();
  const handAll = () => {
    for (let offset = 10; ; offset++) strand.hand(offset);
  };
  expect(handAll).toThrow(/1000000 messages of ticks\/0 .* not acknowledged/);
});

import kafkajs, { type PartitionMetadata } from "kafkajs";
import { describe, expect, it } from "vitest";
import { Partitioning } from "../../src/topic/partition.ts";
import fc from "../support/random/fast-check.ts";

/** From the Java client 4.4.0: Utils.toPositive(Utils.murmur2(key)) modulo 4, 7 and 1000. */
const JAVA: [key: string, of4: number, of7: number, of1000: number][] = [
  ["21", 0, 3, 340],
  ["foobar", 2, 0, 166],
  ["a-little-bit-long-string", 0, 1, 112],
  ["", 1, 2, 681],
  ["0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c0d", 3, 3, 551],
  ["0198c5a4-8f6e-5c3a-9d2b-5e4f3a2b1c0e", 2, 2, 318],
  ["00000000-0000-0000-0000-000000000000", 1, 3, 837],
  ["ffffffff-ffff-ffff-ffff-ffffffffffff", 2, 4, 426],
  ["ünïcode €", 3, 6, 683],
];

describe("Partitioning", () => {
  it.each(JAVA)("puts %j where the Java client puts it", (key, ...expected) => {
    const placed = [4, 7, 1000].map((partitions) => new Partitioning(partitions).place(key).partition);
    expect(placed).toEqual(expected);
  });

  it("puts any key where kafkajs puts it", () => {
    const choose = kafkajs.Partitioners.DefaultPartitioner();
    const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({ partitionId }) as PartitionMetadata);
    const partitioning = new Partitioning(7);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 50 }), (key) => {
        const message = { key: Buffer.from(key), value: null };
        expect(partitioning.place(key).partition).toBe(choose({ topic: "", partitionMetadata, message }));
      }),
    );
  });

  it("gives the key's UTF-8 bytes, and the same ones the next time", () => {
    const partitioning = new Partitioning(4);
    const first = partitioning.place("ünïcode €");
    expect(first.key).toEqual(Buffer.from("ünïcode €", "utf8"));
    expect(partitioning.place("ünïcode €")).toBe(first);
  });

  it("goes on placing keys alike when there are more of them than it remembers", () => {
    const partitioning = new Partitioning(4);
    const before = partitioning.place("0").partition;
    for (let i = 0; i < 100_002; i++) partitioning.place(String(i));
    expect(partitioning.place("0").partition).toBe(before);
  });
});

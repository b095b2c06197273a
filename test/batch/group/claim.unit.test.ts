import { describe, expect, it } from "vitest";
import { claim } from "../../../src/batch/group/claim.ts";
import type { GroupParts } from "../../../src/batch/group/group-parts.ts";
import { Patience } from "../../../src/batch/patience.ts";
import { openLog } from "../../../src/log.ts";
import type { Connection } from "../../../src/table/connection.ts";
import type { ConnectionSlot } from "../../../src/table/slot.ts";

const NEXT_OFFSET = 20;
const LANDED = {
  nextOffset: NEXT_OFFSET,
  origin: 0,
  clusterId: "c",
  lastOffset: 19,
  lastDigest: Buffer.alloc(32),
  n: 0,
};

/** A claim of a partition whose next offset is 20, where the log's end is answered with these, one after the other. */
function claimWhere(...highs: number[]) {
  const logOf = async (partition: number) => ({
    log: { partition, low: 0, high: highs.shift()! },
    clusterId: "c",
  });
  const parts = { plan: { topicName: "ticks" }, logOf } as unknown as GroupParts;
  const session = { query: async () => [LANDED], run: async () => 0 } as unknown as Connection;
  const slot = { isBroken: false, use: (work: (c: Connection) => Promise<unknown>) => work(session) };
  const patience = new Patience(openLog({ logLevel: "silent" }), new AbortController().signal);
  return claim(parts, slot as unknown as ConnectionSlot, 3, patience);
}

describe("claiming a partition", () => {
  it("takes no log for cut that another owner landed from since its end was asked for", async () => {
    await expect(claimWhere(10, 25)).resolves.toMatchObject({ nextOffset: NEXT_OFFSET });
  });

  it("stops where the log ends before what has landed, also when asked again", async () => {
    await expect(claimWhere(10, 10)).rejects.toMatchObject({
      code: "history_lost",
      message: "ticks/3: expected offset 20 next, the log ends at 10",
    });
  });
});

import { expect, it } from "vitest";
import { withAdmin } from "../../src/topic/log-client.ts";
import { type LogBed, produce, text } from "./log-client-bed.ts";

/** Makes beds of a case, and cleans up behind it. */
interface Hands {
  bedOf(partitions: number): Promise<LogBed>;
}

const see = ({ client, topicName }: LogBed, from: readonly (readonly [number, number])[]) =>
  withAdmin(client, (admin) => admin.fetchVisible(topicName, new Map(from)));
const seenLog = (end: number, first?: object) => ({ end, logEnd: end, first, open: undefined });
/** The topic's own settings say whether its times are the broker's. */
const at = (offset: number) => expect.objectContaining({ offset });

/** What readers get of a log from an offset on. */
export function visibleCases({ bedOf }: Hands): void {
  it("finds the record at an offset amid a batch, and none at the log's end or of what isn't asked about", async () => {
    const bed = await bedOf(3);
    await produce(bed, { 0: [text("a"), text("b"), text("c")], 1: [text("d")] });
    const seen = await see(bed, [
      [0, 1],
      [1, 1],
    ]);
    expect(seen).toEqual(
      new Map([
        [0, seenLog(3, at(1))],
        [1, seenLog(1)],
      ]),
    );
    expect(await see(bed, [])).toEqual(new Map());
  });

  it("passes over what aborted transactions left, also where nothing is behind it", async () => {
    const bed = await bedOf(1);
    await produce(bed, { 0: [text("a")] });
    await bed.abort(["x", "y"]);
    expect(await see(bed, [[0, 1]])).toEqual(new Map([[0, seenLog(4)]]));
    await bed.abort(["z"]);
    await produce(bed, { 0: [text("b")] });
    for (const from of [1, 2, 3, 5, 6]) {
      expect(await see(bed, [[0, from]]), `from ${from}`).toEqual(new Map([[0, seenLog(7, at(6))]]));
    }
  });

  it("leaves out a partition whose log doesn't go so far", async () => {
    const bed = await bedOf(1);
    await produce(bed, { 0: [text("a")] });
    expect(await see(bed, [[0, 7]])).toEqual(new Map());
  });
}

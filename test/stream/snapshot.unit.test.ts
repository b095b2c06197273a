import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { packSnapshot, readHead, SNAPSHOT_FORMAT, unpackSnapshot } from "../../src/stream/snapshot.ts";

const terms = { version: 2, settings: { a: 1 } };
const snapshot = { name: "bars", terms, inputs: { "ticks/0": 3 }, state: { open: [1, 2] } };

/** A snapshot by whoever may write to its topic: the digest fits whatever it is of. */
function forged(head: object, part: Buffer): Buffer {
  const bare = JSON.stringify(head);
  const sha256 = createHash("sha256").update(bare).update(part).digest("hex");
  return Buffer.from(JSON.stringify({ ...head, sha256 }));
}

const bareHead = async () => {
  const { head } = await packSnapshot(snapshot);
  const { sha256: _, ...bare } = head;
  return bare;
};

describe("a snapshot", () => {
  test("comes back as it was packed", async () => {
    const { head, parts } = await packSnapshot(snapshot);
    const read = readHead(Buffer.from(JSON.stringify(head)));
    expect(read).toEqual(head);
    expect(await unpackSnapshot(read!, parts)).toEqual({ state: snapshot.state });
  });

  test.each([
    ["no gzip", Buffer.from("{}")],
    ["no JSON", gzipSync("{")],
    ["cut off", gzipSync('{"a": 1}').subarray(0, 12)],
    ["far larger than any state", gzipSync(Buffer.alloc(257 * 1024 * 1024, " ").fill("7", 0, 1), { level: 1 })],
  ])("whose state is %s is damaged, though its digest is right", async (_, part) => {
    const head = readHead(forged(await bareHead(), part));
    expect(head).toBeDefined();
    expect(await unpackSnapshot(head!, [part])).toBeUndefined();
  });

  test.each([
    ["no object", "7"],
    ["null", "null"],
    ["without a format", '{"name":"bars"}'],
    ["a format that is no number", '{"format":"1"}'],
    ["of this format, and without inputs", `{"format":${SNAPSHOT_FORMAT}}`],
  ])("has no head where that is %s", (_, text) => {
    expect(readHead(Buffer.from(text))).toBeUndefined();
  });

  test.each([
    { inputs: null },
    { inputs: { "ticks/0": "3" } },
    { inputs: { "ticks/0": -1 } },
    { parts: 1e300 },
    { version: "2" },
    { name: 7 },
    { settings: {} },
  ])("has no head with %o", async (change) => {
    expect(readHead(forged({ ...(await bareHead()), ...change }, Buffer.alloc(0)))).toBeUndefined();
  });

  test("of another format has a head that says so, however it is laid out", () => {
    expect(readHead(Buffer.from('{"format":9}'))).toMatchObject({ format: 9 });
  });
});

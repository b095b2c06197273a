import { describe, expect, it } from "vitest";
import { recordDigest } from "../../../src/batch/land/landmark.ts";

describe("recordDigest", () => {
  it("differs where key or value differ, and only there", () => {
    const digest = (key: string | null, value: string | null) =>
      recordDigest({ key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value) });
    expect(digest("k", "v")).toEqual(digest("k", "v"));
    expect(digest("k", "v")).not.toEqual(digest("k", "w"));
    expect(digest("k", "v")).not.toEqual(digest("l", "v"));
  });
});

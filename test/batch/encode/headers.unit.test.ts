import { describe, expect, test } from "vitest";
import {
  carriedHeaders,
  firstHeader,
  firstPublishedUs,
  REDRIVE_HEADERS,
  rawHeaders,
  redriveAttempts,
  storedHeaders,
} from "../../../src/batch/encode/headers.ts";
import type { RecordHeaders } from "../../../src/topic/wire/record-writer.ts";

const NOW_US = 1_700_000_000_000_000;
const first = (text: string | Buffer | string[]) => firstPublishedUs({ [REDRIVE_HEADERS.revisedAt]: text }, NOW_US);
const attempts = (text: string) => redriveAttempts({ [REDRIVE_HEADERS.attempt]: Buffer.from(text) });

describe("the time an event was first published", () => {
  test("is the record's own unless a redrive says an earlier one", () => {
    expect(firstPublishedUs(undefined, NOW_US)).toBe(NOW_US);
    expect(firstPublishedUs({ other: "1" }, NOW_US)).toBe(NOW_US);
    expect(first(Buffer.from("1699999999000000"))).toBe(1_699_999_999_000_000);
    expect(first(["1699999999000000", "5"])).toBe(1_699_999_999_000_000);
  });

  test("can't be set beyond the broker's time, nor by what isn't a time", () => {
    expect(first(String(NOW_US + 1))).toBe(NOW_US);
    for (const text of ["", "-5", "1e3", "soon", "99999999999999999999"]) expect(first(text)).toBe(NOW_US);
  });
});

describe("the count of redrives", () => {
  test("is the header's, and none where the header is no count", () => {
    expect([attempts("3"), redriveAttempts(undefined), redriveAttempts({})]).toEqual([3, 0, 0]);
    for (const text of ["", "-1", "1.5", "many", "99999999999"]) expect(attempts(text)).toBe(0);
  });
});

test("headers come out of the database as they went in, names with a NUL and repeated ones too", () => {
  const headers = { "a\0b\\0": Buffer.from([0, 255]), twice: [Buffer.from("x"), Buffer.from("y")] };
  const stored = storedHeaders(headers);
  expect(JSON.stringify(stored)).not.toContain("\\u0000");
  expect(rawHeaders(stored)).toEqual(headers);
});

describe("a header without a value, as other clients than kafkajs send it", () => {
  const headers = { none: null, some: [Buffer.from("x"), null] } as unknown as RecordHeaders;

  test("is kept as such, and published with an empty one", () => {
    expect(storedHeaders(headers)).toEqual({ none: null, some: ["eA==", null] });
    expect(rawHeaders(storedHeaders(headers))).toEqual({
      none: Buffer.alloc(0),
      some: [Buffer.from("x"), Buffer.alloc(0)],
    });
  });

  test("names no workflow; one with a NUL is named without it", () => {
    expect([firstHeader(headers, "none"), firstHeader(headers, "some"), firstHeader(headers, "other")]).toEqual([
      null,
      "x",
      null,
    ]);
    expect(firstHeader({ id: Buffer.from("a\0b") }, "id")).toBe("a\ufffdb");
  });
});

test("a header whose name is every object's own is a header", () => {
  const headers = Object.fromEntries([["__proto__", Buffer.from("x")]]);
  const stored = JSON.parse(JSON.stringify(storedHeaders(headers)));
  expect(Object.entries(rawHeaders(stored))).toEqual([["__proto__", Buffer.from("x")]]);
});

describe("a trace", () => {
  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  test.each<[string, RecordHeaders]>([
    ["as text", { traceparent: parent, other: "1" }],
    ["as bytes", { traceparent: Buffer.from(parent) }],
    ["more than once", { traceparent: [Buffer.from(parent), Buffer.from("x")] }],
  ])("is carried on, and nothing else: %s", (_how, headers) => {
    expect(carriedHeaders(headers)).toEqual({ traceparent: Buffer.from(parent).toString("base64") });
  });

  test.each(["", "mine", parent.toUpperCase(), `${parent}-x`, `${parent}\n`, parent.slice(1), "a".repeat(100_000)])(
    "is none that isn't one: %#",
    (traceparent) => expect(carriedHeaders({ traceparent })).toEqual({}),
  );

  test("is none where there is no header", () => {
    expect([carriedHeaders(undefined), carriedHeaders({})]).toEqual([{}, {}]);
  });
});

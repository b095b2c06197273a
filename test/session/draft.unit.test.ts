import { describe, expect, test } from "vitest";
import { configDigest, draftSession, type NewSession, sessionId } from "../../src/session/draft.ts";

const run: NewSession = {
  kind: "backtest",
  name: "golden",
  codeVersion: "v1",
  config: '{"fast": 50}',
  dataSet: null,
  key: null,
  startedUs: 1_700_000_000_000_000,
};

describe("a session's id", () => {
  test("is of the caller's key, and another for every run without one", () => {
    expect(sessionId("nightly")).toBe("1d1103fc-9137-57b4-8f6f-558132cd902c");
    expect(sessionId(null)).not.toBe(sessionId(null));
  });
});

describe("the digest of a config", () => {
  test("is the same in whatever order its keys are written, at every depth, and with other white space", () => {
    const digest = configDigest('{"b": [1, {"y": 2.50, "x": null}], "a": "é"}');
    expect(configDigest('{"a":"\\u00e9","b":[1.0,{"x":null,"y":2.5}]}')).toBe(digest);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each(['{"a": [1, 2]}', '{"a": [2, 1]}', '{"a": ["1", 2]}', '{"a": [1, 2], "b": null}', "{}"])(
    "of %s is its own",
    (config) => {
      const others = ['{"a": [1, 2]}', '{"a": [2, 1]}', '{"a": ["1", 2]}', '{"a": [1, 2], "b": null}', "{}"];
      expect(others.filter((other) => configDigest(other) === configDigest(config))).toEqual([config]);
    },
  );
});

test.each(["[1]", '"x"', "null", "{", ""])("a config of %s is refused", (config) => {
  expect(() => draftSession({ ...run, config })).toThrow(/no JSON object/);
});

test("a name that no table can hold is refused", () => {
  expect(() => draftSession({ ...run, name: "a\0b" })).toThrow(/name must not hold a NUL/);
});

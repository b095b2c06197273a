import { expect, test } from "vitest";
import { undecidedText } from "../../src/cli/desk/desk-text.ts";

test("why an instrument makes figures unknown is said of it: no bars, bars of other sources, or no close yet", () => {
  const told = (markedBy: string | null, pricedBy: readonly string[], sources: readonly string[]) =>
    undecidedText([{ symbol: "IBM", markedBy, pricedBy, sources }], "1d")[0];
  expect(told(null, ["eod"], [])).toBe("IBM has no bars of 1d: without a price");
  expect(told(null, [], ["eod", "raw"])).toBe("IBM has bars of 1d from eod, raw: say which by --source");
  expect(told(null, ["raw", "x\n"], ["eod"])).toBe(
    "IBM was filled at prices of raw, x\\x0a, and has bars of 1d from eod: say which by --source",
  );
  expect(told("eod", [], ["eod"])).toBe("IBM was held before its first close of 1d from eod");
});

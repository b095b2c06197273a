import { expect, test } from "vitest";
import { openOutput, table } from "../../src/cli/output.ts";

test("a table aligns numbers right, shows what is missing as a dash, and has no trailing spaces", () => {
  const drawn = table(
    ["topic", "landed", "lag"],
    [
      ["ticks", 906_352, 0],
      ["bars", 5n, null],
    ],
  );
  expect(drawn.split("\n")).toEqual(["topic   landed  lag", "ticks  906,352    0", "bars         5    -"]);
});

test("with --json the whole result is one line and the text isn't even made", () => {
  const written: string[] = [];
  openOutput(true, (text) => written.push(text)).result({ read: 3n, far: 2n ** 60n }, () => {
    throw new Error("the text was made");
  });
  expect(written).toEqual([`{"read":3,"far":"1152921504606846976"}\n`]);
});

test("without --json the text stands alone and ends its line once", () => {
  const written: string[] = [];
  const out = openOutput(false, (text) => written.push(text));
  out.result({}, () => "a");
  out.result({}, () => "b\n");
  expect(written).toEqual(["a\n", "b\n"]);
});

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Rejects } from "../../../src/cli/flow/rejects.ts";
import { TradetapeError } from "../../../src/errors.ts";

const line = (n: number) => ({ line: n, reason: `price "x${n}" is no number`, text: `x${n},5` });

test("a person sees the first twenty rejected lines and how many more there are", () => {
  const rejects = new Rejects(false, undefined);
  for (let n = 1; n <= 25; n++) rejects.add("a.csv", line(n));
  const lines = rejects.text().split("\n");
  expect(lines).toHaveLength(21);
  expect(lines[0]).toBe('a.csv:1: price "x1" is no number');
  expect(lines[20]).toBe("and 5 more: --rejects FILE writes them all");
});

test("--rejects has every line with its text in the file at once, whatever is shown, and keeps what was there", () => {
  const folder = mkdtempSync(join(tmpdir(), "tradetape-rejects-"));
  const path = join(folder, "rejects.jsonl");
  const written = () =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text));
  const first = new Rejects(false, path);
  for (let n = 1; n <= 25; n++) first.add("a.csv", line(n));
  const numbers = Array.from({ length: 25 }, (_, i) => i + 1);
  expect(written().map((one) => one.line)).toEqual(numbers);
  expect(first.text()).toContain(`all 25 are in ${path}`);
  first.close();
  const second = new Rejects(true, path);
  second.add("b.csv", { line: 9, reason: "the line isn't valid UTF-8", text: "\ufffd", damage: "not UTF-8" });
  second.close();
  expect(written().map((one) => one.line)).toEqual([...numbers, 9]);
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
  expect(written()[1]).toEqual({ at, file: "a.csv", ...line(2) });
  expect(written()[25]).toMatchObject({ file: "b.csv", text: "\ufffd", damage: "not UTF-8" });
  expect(second.kept).toEqual([{ file: "b.csv", line: 9, reason: "the line isn't valid UTF-8" }]);
  rmSync(folder, { recursive: true });
});

test("--rejects to what is no file, as a terminal, is written and not synced", () => {
  const rejects = new Rejects(false, "/dev/null");
  rejects.add("a.csv", line(1));
  rejects.close();
  expect(rejects.count).toBe(1);
});

test("--rejects into a folder that isn't there is refused before anything is sent", () => {
  expect(() => new Rejects(false, "/nowhere/at/all")).toThrow(TradetapeError);
});

test("a control character out of a bad line can't move the cursor", () => {
  const rejects = new Rejects(false, undefined);
  rejects.add("a.csv", { line: 1, reason: 'price "\u001b[2J" is no number', text: "\u001b[2J" });
  expect(rejects.text()).toBe('a.csv:1: price "\\x1b[2J" is no number');
});

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Rejects } from "../../../src/cli/flow/rejects.ts";
import { TradetapeError } from "../../../src/errors.ts";

const line = (n: number) => ({ file: "a.csv", line: n, reason: `price "x${n}" is no number` });

test("a person sees the first twenty rejected lines and how many more there are", () => {
  const rejects = new Rejects(false, undefined);
  for (let n = 1; n <= 25; n++) rejects.add(line(n));
  const lines = rejects.text().split("\n");
  expect(lines).toHaveLength(21);
  expect(lines[0]).toBe('a.csv:1: price "x1" is no number');
  expect(lines[20]).toBe("and 5 more: --rejects FILE writes them all");
});

test("--rejects writes every line, whatever is shown", () => {
  const folder = mkdtempSync(join(tmpdir(), "tradetape-rejects-"));
  const path = join(folder, "rejects.jsonl");
  const rejects = new Rejects(false, path);
  for (let n = 1; n <= 25; n++) rejects.add(line(n));
  rejects.close();
  const written = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(written.map((text) => JSON.parse(text).line)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
  expect(rejects.text()).toContain(`all 25 are in ${path}`);
  rmSync(folder, { recursive: true });
});

test("--rejects into a folder that isn't there is refused before anything is sent", () => {
  expect(() => new Rejects(false, "/nowhere/at/all")).toThrow(TradetapeError);
});

test("a control character out of a bad line can't move the cursor", () => {
  const rejects = new Rejects(false, undefined);
  rejects.add({ file: "a.csv", line: 1, reason: 'price "\u001b[2J" is no number' });
  expect(rejects.text()).toBe('a.csv:1: price "\\x1b[2J" is no number');
});

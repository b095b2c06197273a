import { expect, test } from "vitest";
import { RUNBOOK, runbookText } from "../../src/errors/runbook.ts";
import { ERROR_CODES } from "../../src/errors.ts";
import { listFiles, readText } from "../support/source-tree.ts";
import { WALKS } from "./walks.ts";

const CODES = Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[];

test("every code's way out was walked by a test that is there, or says why not", () => {
  const wrong = CODES.filter((code) => {
    const walk = WALKS[code];
    return "by" in walk ? !readText(walk.by).includes(walk.has) : walk.because === "";
  });
  expect(wrong).toEqual([]);
});

test("every code has its section, which `tradetape help CODE` shows; what is no code has none", () => {
  for (const code of CODES) {
    const message = runbookText(code);
    for (const part of [ERROR_CODES[code], RUNBOOK[code].look, RUNBOOK[code].act, RUNBOOK[code].wake]) {
      expect(part).toMatch(/[.?]$/);
      expect(message).toContain(part);
    }
  }
  expect([runbookText("toString"), runbookText("consume")]).toEqual([undefined, undefined]);
});

test("no error of a landing says whether its group is tried again: the run knows, and says it", () => {
  const rooms = /^(consumers|src\/(batch|table|topic|event))\/.*\.ts$/;
  const sayers = ["src/batch/run/group-state.ts"];
  const claim = /(tries|tried|goes on) (again )?by itself|start `?\\?`?tradetape consume|[Ss]tart the same command/;
  const isText = (line: string) => !/^\s*(\*|\/\/|\/\*\*)/.test(line) && claim.test(line);
  const found = listFiles()
    .filter((path) => rooms.test(path) && !sayers.includes(path))
    .flatMap((path) =>
      readText(path)
        .split("\n")
        .filter(isText)
        .map((line) => `${path}: ${line.trim()}`),
    );
  expect(found).toEqual([]);
});

import { expect, test } from "vitest";
import { RUNBOOK, runbookText } from "../../src/errors/runbook.ts";
import { ERROR_CODES } from "../../src/errors.ts";
import { readText } from "../support/source-tree.ts";
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

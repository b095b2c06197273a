import { expect, test } from "vitest";
import { logText } from "../../src/cli/log-text.ts";
import { openLog } from "../../src/log.ts";

/** What a terminal shows of what is logged. */
function shown(say: (log: ReturnType<typeof openLog>) => void): readonly string[] {
  const lines: string[] = [];
  say(openLog({ logLevel: "info" }, (line) => lines.push(logText(line))));
  return lines;
}

test("a line has the time of day, what is the matter, and its facts", () => {
  const [line] = shown((log) => log.warn({ topic: "bars", partition: 3, partitions: [1, 2] }, "it waits"));
  expect(line).toMatch(/^\d\d:\d\d:\d\d warning: it waits {2}topic=bars {2}partition=3 {2}partitions=\[1,2\]$/);
});

test("what has several lines is shown in several, each below its head", () => {
  const [text] = shown((log) => log.error({ next: "Do this.\nThen that." }, "stopped"));
  expect(text!.split("\n")).toEqual([expect.stringMatching(/ error: stopped {2}next=Do this\.$/), "  Then that."]);
});

test("what somebody else wrote moves no cursor and turns no writing", () => {
  const [line] = shown((log) => log.info({ ticker: "A\u001b[2J\u202eB" }, "seen"));
  expect(line).toContain("ticker=A\\x1b[2J\\u202eB");
});

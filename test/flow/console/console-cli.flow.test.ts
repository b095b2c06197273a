import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape } from "../../support/tradetape.ts";

let tape: TestTape;
beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(() => tape.stop());

const start = (...args: string[]) => startTradetape(["console", ...args], environmentOf(tape.config));

/** The first line that the console prints: where it is. */
function addressOf({ process: { stdout } }: ReturnType<typeof start>): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    stdout!.on("data", (part: string) => {
      text += part;
      if (text.includes("\n")) resolve(text.split("\n")[0]!);
    });
  });
}

test("prints its address, serves the page, and ends well by a signal while a page follows it", async () => {
  const running = start("--port", "0", "--json");
  const { url, allowsActions } = JSON.parse(await addressOf(running)) as { url: string; allowsActions: boolean };
  expect(allowsActions).toBe(false);
  expect(await (await fetch(url)).text()).toContain("/app.js");
  const [, token] = url.split("#token=");
  const live = await fetch(new URL("/api/live", url), { headers: { Authorization: `Bearer ${token}` } });
  const reader = live.body!.getReader();
  await reader.read();
  running.process.kill("SIGTERM");
  const { code, stdout, stderr } = await running.ended;
  await reader.read().catch(() => undefined);
  expect([code, stderr]).toEqual([0, "SIGTERM: stopping in good order; once more ends it at once.\n"]);
  expect(stdout.trim().split("\n")).toHaveLength(1);
});

test("says that another program has its port, and how to take one that is free", async () => {
  const first = start("--port", "0");
  const port = new URL(await addressOf(first)).port;
  const { code, stderr } = await start("--port", port).ended;
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining(`port ${port} of 127.0.0.1 can't be used: another program has it`),
  ]);
  expect(stderr).toContain("--port 0");
  first.process.kill("SIGTERM");
  expect((await first.ended).code).toBe(0);
});

test.each([["65536"], ["-1"], ["http"]])("takes no port %s", async (port) => {
  expect((await start(`--port=${port}`).ended).code).toBe(2);
});

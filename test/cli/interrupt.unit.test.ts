import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { untilAborted, watchSignals } from "../../src/cli/interrupt.ts";

test("the first signal asks, the second forces, and afterwards the process has its own handlers again", async () => {
  const before = process.listenerCount("SIGTERM");
  const said: string[] = [];
  let forced = 0;
  const interrupt = watchSignals(
    (line) => said.push(line),
    () => {
      forced += 1;
    },
  );
  process.emit("SIGTERM", "SIGTERM");
  await untilAborted(interrupt.stop);
  expect([interrupt.force.aborted, forced]).toEqual([false, 0]);
  process.emit("SIGINT", "SIGINT");
  expect([interrupt.force.aborted, forced]).toEqual([true, 1]);
  expect(said).toHaveLength(2);
  interrupt.dispose();
  expect(process.listenerCount("SIGTERM")).toBe(before);
});

test("a process that only waits for the signal stays alive until it comes", async () => {
  const script = `
    import { untilAborted } from "./src/cli/interrupt.ts";
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50).unref();
    await untilAborted(controller.signal);
    console.log("ended");
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module-typescript", "-e", script]);
  expect(stdout).toBe("ended\n");
});

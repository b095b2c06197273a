import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { openLog } from "../../../src/log.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(() => tape.stop());

/** Nothing else of this process runs meanwhile. */
const hold = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);

test("a process that lands tells in its log that its event loop was held", async () => {
  const log = openLog(tape.config);
  const warn = vi.spyOn(log, "warn");
  const services = await openLandingServices(tape.config, log);
  hold();
  await expect.poll(() => warn.mock.calls).toContainEqual([{ heldMs: expect.any(Number) }, expect.any(String)]);
  await services.close();
});

import { demonstrate } from "../../../src/cli/demo/demo.ts";
import { demoBars } from "../../../src/cli/demo/demo-pipeline.ts";
import { openOutput } from "../../../src/cli/output.ts";
import type { ServedConfig } from "../../../src/cli/services.ts";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import type { Isolation } from "../../support/services/isolation.ts";

/** What `tradetape demo` does on its own stack, on services that outlive it. @throws what ends it */
export async function demonstrateOn(
  services: Isolation,
): Promise<NonNullable<Awaited<ReturnType<typeof demonstrate>>>> {
  const config = readConfig({ ...services, logLevel: "error" }, {}) as ServedConfig;
  const [stop, force] = [new AbortController(), new AbortController()];
  const out = openOutput(true, () => {});
  const bar = { set: () => {}, end: () => {} };
  const status = () => ({ everyMs: 1000, ...bar });
  const progress = { line: () => {}, bar: () => bar, status, close: () => {} };
  const session = { config, out, progress, log: openLog(config), signal: stop.signal, force: force.signal };
  const result = await demonstrate(session, demoBars()!);
  if (result === undefined) throw new Error("nobody stopped it");
  return result;
}

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const MODULE = join(import.meta.dirname, "../../src/batch/heap.ts");

it("names a flag that this V8 knows: it would say so otherwise, and go on with many collections", () => {
  const script = `import { letHeapGrow } from ${JSON.stringify(MODULE)}; letHeapGrow();`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect([child.status, child.stderr]).toEqual([0, ""]);
});

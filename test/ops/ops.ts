/**
 * `npm run test:ops`: Prometheus's own `promtool` checks the alerts' rules, plays faults to them, and checks the names of what is
 * measured. Exit code 1 where something is wrong, 2 where there is no promtool.
 */
import { spawnSync } from "node:child_process";
import { Registry } from "prom-client";
import { Meters } from "../../src/metrics/meters.ts";
import { measureAll } from "../metrics/measured.ts";
import { ROOT } from "../support/source-tree.ts";

/** @param input for its standard input @returns whether it found nothing wrong */
function promtool(args: readonly string[], input?: string): boolean {
  const { error, status } = spawnSync("promtool", args, { cwd: ROOT, input, stdio: ["pipe", "inherit", "inherit"] });
  if (error !== undefined) {
    const where = "It is in Debian's package prometheus, and in Prometheus's releases.";
    process.stderr.write(`promtool can't be run: ${error.message}. ${where}\n`);
    process.exit(2);
  }
  return status === 0;
}

const registry = new Registry();
measureAll(new Meters(registry));
const good = [
  promtool(["check", "rules", "ops/prometheus/alerts.yml"]),
  promtool(["test", "rules", "test/ops/alerts.yml"]),
  promtool(["check", "metrics"], await registry.metrics()),
];
process.exitCode = good.every(Boolean) ? 0 : 1;

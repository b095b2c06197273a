import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import type { Report } from "./worker.ts";
import { simulate } from "./world.ts";

/** `npm test` runs the first of them; SIMULATION_SCHEDULES=FROM..TO others, as many as one has time for. */
const [FROM, TO] = (process.env.SIMULATION_SCHEDULES ?? "1..10001").split("..").map(Number) as [number, number];

const MINUTE_MS = 60_000;

function runShard(from: number, step: number): Promise<Report> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: { from, to: TO, step } });
    worker.on("message", resolve);
    worker.on("error", reject);
  });
}

/** What a schedule may meet; one of these that no schedule meets any more makes the rest worth little. */
const MET = [
  ["commit-unknown", "commit-unheard", "cut", "cut-half-open", "postgres-down", "login-refused", "day-missing"],
  ["sqlstate-40001", "sqlstate-40P01", "sqlstate-53200", "sqlstate-57014", "sqlstate-23505", "row-refused"],
  ["lock-wait", "lock-timeout", "evicted", "kill", "freeze", "stop", "force-stop", "crash", "session-expired"],
  [
    "rebalance",
    "tamper",
    "out-of-range",
    "fetched-markers",
    "produce-lost",
    "produce-part",
    "produce-unheard",
    "produce-skipped",
    "together",
  ],
  [
    "admin-fault",
    "registry-fault",
    "delete-records",
    "loss-accepted",
    "remake",
    "log-cut",
    "rewound",
    "history-lost",
    "drop-days",
    "fail-over",
    "revised",
    "parked",
    "parents-sought",
  ],
].flat();

describe("the landing core in a simulated world", () => {
  test("gives the same schedule for the same seed", async () => {
    const [first, second] = [await simulate(3, true), await simulate(3, true)];
    expect(first.trace!.length).toBeGreaterThan(50);
    expect(second.trace).toEqual(first.trace);
  });

  test("keeps every promise in every schedule of faults, and lands all there is once they are over", {
    timeout: 30 * MINUTE_MS,
  }, async () => {
    const started = performance.now();
    const workers = Math.min(4, availableParallelism());
    const reports = await Promise.all(Array.from({ length: workers }, (_, n) => runShard(FROM + n, workers)));
    const wrong = reports.flatMap((report) => report.wrong);
    const shown = wrong.map(({ seed, faults }) => `node test/simulation/replay.ts ${seed}\n  ${faults.join("\n  ")}`);
    expect(shown.join("\n"), "schedules that went wrong, and how each is run again").toBe("");
    const counts = new Map<string, number>();
    for (const report of reports) {
      for (const [what, n] of report.counts) counts.set(what, (counts.get(what) ?? 0) + n);
    }
    expect(MET.filter((what) => !counts.has(what))).toEqual([]);
    const virtualHours = reports.reduce((sum, report) => sum + report.virtualMs, 0) / 3_600_000;
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(
      `${TO - FROM} schedules, ${virtualHours.toFixed(0)} virtual hours in ${seconds.toFixed(0)} s\n`,
    );
  });
});

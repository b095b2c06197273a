import { defineConfig } from "vitest/config";

const MINUTE_MS = 60_000;
/** As many as this machine has cores; Vitest's own choice there is one, and with it the quick tests come last. */
const WORKERS = 2;

/** A project of tests that share the run's stack, by the suffix of their files. */
const flow = (name: string, groupOrder: number) => ({
  test: {
    name,
    include: [`test/**/*.${name}.test.ts`],
    globalSetup: ["test/support/services/flow-setup.ts"],
    sequence: { groupOrder },
    maxWorkers: WORKERS,
    testTimeout: 2 * MINUTE_MS,
    hookTimeout: 2 * MINUTE_MS,
  },
});

/**
 * unit: no services, milliseconds. tidy: the house rules. flow: real Kafka, registry and PostgreSQL, one stack for the
 * whole run. Its files run last and two at a time: most of what they do is wait (for a rebalance, a sweep, an outage's
 * end), and each has a database and topics of its own.
 */
export default defineConfig({
  test: {
    reporters: ["default", "./test/support/closing-line.ts"],
    // Three programs stop one after the other, each given its time to flush.
    teardownTimeout: 2 * MINUTE_MS,
    projects: [
      { test: { name: "tidy", include: ["test/tidy.test.ts"], maxWorkers: WORKERS, sequence: { groupOrder: 0 } } },
      { test: { name: "unit", include: ["test/**/*.unit.test.ts"], maxWorkers: WORKERS, sequence: { groupOrder: 0 } } },
      flow("flow", 1),
      // Three brokers and tens of thousands of events: a minute and more, so they run when asked for.
      flow("fault", 2),
    ],
  },
});

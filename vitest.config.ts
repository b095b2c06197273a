import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const MINUTE_MS = 60_000;
/** Ends what hangs, and nothing else: no test may come near them on a machine five times slower under full load. */
const HANGS = {
  testTimeout: 10 * MINUTE_MS,
  hookTimeout: 10 * MINUTE_MS,
  // Below the test's own, so that a failure says what was found; a loaded machine is looked at as often as an idle one.
  expect: { poll: { timeout: 8 * MINUTE_MS, interval: 50 } },
};
/** As many as this machine has cores; Vitest's own choice there is one, and with it the quick tests come last. */
const WORKERS = 2;
/** One more, because most of what a flow does is wait. */
const FLOW_WORKERS = 3;

/**
 * Files of few lines that take a minute. Where Vitest has timed no run before, the largest file is the first: these would be
 * the last, and run while no other does.
 */
const SHORT_AND_SLOW = ["demo.flow", "log-client.flow", "consume-cli.flow", "simulation.unit"].map(
  (name) => `/${name}.test.ts`,
);

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SHORT_AND_SLOW.some((end) => moduleId.endsWith(end));
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

/** A project of tests that need no services. */
const quick = (name: string, files: string) => ({
  test: { ...HANGS, name, include: [files], maxWorkers: WORKERS, sequence: { groupOrder: 0 } },
});

/** A project of tests that share the run's stack, by the suffix of their files. */
const flow = (name: string, groupOrder: number) => ({
  test: {
    ...HANGS,
    name,
    include: [`test/**/*.${name}.test.ts`],
    // A worker keeps the modules that its files share, because loading them anew costs a file of seconds a second more.
    isolate: false,
    globalSetup: ["test/support/services/flow-setup.ts"],
    sequence: { groupOrder },
    maxWorkers: FLOW_WORKERS,
  },
});

/**
 * unit: no services, milliseconds. tidy: the house rules. flow: real Kafka, registry and PostgreSQL, one stack for the
 * whole run. Its files run last and three at a time: most of what they do is wait (for a rebalance, a sweep, an outage's
 * end), and each has a database and topics of its own.
 */
export default defineConfig({
  test: {
    reporters: ["default", "./test/support/closing-line.ts"],
    sequence: { sequencer: SlowestFirst },
    // Three programs stop one after the other, each given its time to flush.
    teardownTimeout: 10 * MINUTE_MS,
    projects: [
      quick("tidy", "test/tidy.test.ts"),
      quick("unit", "test/**/*.unit.test.ts"),
      flow("flow", 1),
      // Three brokers, tens of thousands of events, or rules of the cluster's that a broker takes its time for: when asked for.
      flow("fault", 2),
    ],
  },
});

import { defineConfig } from "vitest/config";

const MINUTE_MS = 60_000;

/**
 * unit: no services, milliseconds. tidy: the house rules. flow: real Kafka, registry and PostgreSQL, one stack for the
 * whole run; its files run one after the other and last, because a broker under load and a machine of two cores would
 * otherwise turn every other test into a test of patience.
 */
export default defineConfig({
  test: {
    reporters: ["default", "./test/support/closing-line.ts"],
    // Three programs stop one after the other, each given its time to flush.
    teardownTimeout: 2 * MINUTE_MS,
    projects: [
      { test: { name: "tidy", include: ["test/tidy.test.ts"], sequence: { groupOrder: 0 } } },
      { test: { name: "unit", include: ["test/**/*.unit.test.ts"], sequence: { groupOrder: 0 } } },
      {
        test: {
          name: "flow",
          include: ["test/**/*.flow.test.ts"],
          globalSetup: ["test/support/flow-setup.ts"],
          sequence: { groupOrder: 1 },
          fileParallelism: false,
          testTimeout: 2 * MINUTE_MS,
          hookTimeout: 2 * MINUTE_MS,
        },
      },
    ],
  },
});

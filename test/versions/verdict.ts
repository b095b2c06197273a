/** As Vitest's JSON reporter has it. */
export interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** What came of a dump that was restored and repaired. */
export interface DumpProof {
  readonly isProven: boolean;
  /** In a word or two. */
  readonly says: string;
}

/**
 * How much is wrong with a version. What wasn't tried counts, since nobody may take it for proven: a run without a report or
 * without a test, and a dump that no pg_dump here could make.
 */
export function failuresOf(results: Results | undefined, dump: DumpProof): number {
  return failedTests(results) + (dump.isProven ? 0 : 1);
}

function failedTests(results: Results | undefined): number {
  if (!results || results.numPassedTests + results.numFailedTests === 0) return 1;
  const files = results.testResults.filter(({ status }) => status === "failed").length;
  // A file that can't be loaded has no test that fails.
  return files === 0 ? results.numFailedTests : Math.max(1, results.numFailedTests);
}

/** How much of everything: large enough to mean something, small enough to be run again. */
export interface Size {
  readonly name: "full" | "quick";
  /** Measured rounds of the interleaved cases; a round to warm up comes before. */
  readonly rounds: number;
  /** The backlog of a landing. */
  readonly ticks: number;
  /** What the usual way lands: it takes ten times as long for each. */
  readonly usualTicks: number;
  readonly publishTicks: number;
  readonly smallSeconds: number;
  /** At each rate. */
  readonly workflowSeconds: number;
  readonly backlogWorkflows: number;
  readonly latencyRounds: number;
  readonly latencySeconds: number;
  readonly backlogTicks: number;
  readonly idleSettleSeconds: number;
  readonly idleSeconds: number;
  readonly otherRounds: number;
  /** Rows in the table before a landing. */
  readonly growthRows: readonly number[];
  readonly adviceRows: number;
}

/** Chosen so that all but the cases i and l, which say themselves how far they are, take a quarter of an hour. */
const FULL: Size = {
  name: "full",
  rounds: 7,
  ticks: 800_000,
  usualTicks: 120_000,
  publishTicks: 200_000,
  smallSeconds: 20,
  workflowSeconds: 15,
  backlogWorkflows: 20_000,
  latencyRounds: 3,
  latencySeconds: 8,
  backlogTicks: 10_000_000,
  idleSettleSeconds: 15,
  idleSeconds: 60,
  otherRounds: 2,
  growthRows: [0, 10_000_000, 50_000_000],
  adviceRows: 300_000,
};

/** Whether everything works; its figures judge nothing. */
const QUICK: Size = {
  name: "quick",
  rounds: 1,
  ticks: 40_000,
  usualTicks: 40_000,
  publishTicks: 40_000,
  smallSeconds: 4,
  workflowSeconds: 4,
  backlogWorkflows: 6000,
  latencyRounds: 1,
  latencySeconds: 2,
  backlogTicks: 200_000,
  idleSettleSeconds: 5,
  idleSeconds: 5,
  otherRounds: 1,
  growthRows: [0, 50_000, 200_000],
  adviceRows: 40_000,
};

export const sizeOf = (isQuick: boolean): Size => (isQuick ? QUICK : FULL);

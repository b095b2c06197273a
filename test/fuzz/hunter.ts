import { parentPort, workerData } from "node:worker_threads";
import { Coverage } from "./coverage.ts";
import { openDoor } from "./doors/all.ts";
import { type Figures, hunt } from "./hunt.ts";

/** What a thread that hunts is told. */
export interface WorkerInput {
  readonly door: string;
  readonly seed: number;
  readonly inputs: number;
  /** How many inputs were begun, how long the current one is, and the input. */
  readonly shared: SharedArrayBuffer;
}

/** What such a thread tells now and then, and at its end. */
export interface Told {
  readonly figures: Figures;
  /** How many blocks of the product's code were reached, of how many. */
  readonly reached: string;
  readonly isEnd: boolean;
}

const TELL_EVERY_ROUNDS = 50;

const { door, seed, inputs, shared } = workerData as WorkerInput;
const [state, current] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, 8)];
const coverage = new Coverage();
const tell = (figures: Figures, isEnd: boolean) =>
  parentPort!.postMessage({ figures, reached: `${coverage.reached} of ${coverage.all}`, isEnd } satisfies Told);
let rounds = 0;
const figures = await hunt(await openDoor(door, seed), {
  seed,
  inputs,
  coverage,
  before: (input) => {
    state[0] = state[0]! + 1;
    state[1] = input.length;
    current.set(input.subarray(0, current.length));
  },
  onRound: (now) => {
    if (++rounds % TELL_EVERY_ROUNDS === 0) tell(now, false);
  },
});
tell(figures, true);
coverage.close();

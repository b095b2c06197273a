import { type Dice, openDice, seedOf } from "../chaos/dice.ts";
import type { Coverage } from "./coverage.ts";
import type { Door } from "./doors/door.ts";
import { mutate } from "./mutate.ts";

/** So many inputs, and then a look at what they reached. */
const ROUND = 4096;
/** In the first rounds nearly every input reaches something. */
const FIRST_ROUNDS = 3;
/** How many inputs are looked at for what they reach, which takes as long as they do; the rest mutates what was kept. */
const COVERED_MAX = 200_000;
/** How many inputs of a door are kept to make others of. */
const KEPT_MAX = 4096;
const AGREE_EVERY = 50;
/** An input that takes longer is a find, unless the machine was busy with something else: it is tried again. */
export const INPUT_MS_MAX = 1000;

export interface Find {
  readonly door: string;
  readonly input: Buffer;
  readonly what: string;
}

/** What was found at one door. */
export interface Figures {
  readonly door: string;
  inputs: number;
  agreed: number;
  readonly kinds: Map<string, number>;
  slowestMs: number;
  /** Of heap and external memory together, seen between rounds. */
  peakBytes: number;
  kept: number;
  readonly finds: Find[];
}

export interface HuntOptions {
  readonly seed: number;
  readonly inputs: number;
  readonly coverage?: Coverage | undefined;
  /** Is told of an input before it is opened, for whoever watches from outside. */
  readonly before?: (input: Buffer) => void;
  readonly onRound?: (figures: Figures) => void;
}

/** Opens a door with mutants of its seeds, and of what reached a new kind of outcome or new code. */
export async function hunt(door: Door, options: HuntOptions): Promise<Figures> {
  const { inputs, onRound } = options;
  const dice = openDice(seedOf(options.seed, door.name));
  const figures: Figures = {
    door: door.name,
    ...{ inputs: 0, agreed: 0, kinds: new Map(), slowestMs: 0, peakBytes: 0, kept: 0, finds: [] },
  };
  const corpus = [...door.seeds];
  for (const seed of door.seeds) await opened(door, seed, options, figures);
  options.coverage?.know(options.coverage.take());
  for (let rounds = 1; figures.inputs < inputs; rounds++) {
    const coverage = figures.inputs < COVERED_MAX ? options.coverage : undefined;
    if (coverage === undefined) options.coverage?.close();
    const round: Buffer[] = [];
    while (round.length < ROUND && figures.inputs < inputs) {
      const input = await mutant(door, dice, corpus);
      round.push(input);
      if (await opened(door, input, options, figures)) keep(corpus, input, dice);
      if (figures.inputs % AGREE_EVERY === 0) await agreed(door, dice, figures);
    }
    const reached = coverage?.take() ?? [];
    if (coverage !== undefined && reached.length > 0) {
      const isFirst = rounds <= FIRST_ROUNDS;
      const news = isFirst ? [] : await narrowed(round, coverage, (some) => replay(door, some, options));
      for (const input of news) keep(corpus, input, dice);
      // Also those that no input reaches again, such as what runs once in a process.
      coverage.know(reached);
    }
    figures.kept = corpus.length;
    const { heapUsed, external } = process.memoryUsage();
    figures.peakBytes = Math.max(figures.peakBytes, heapUsed + external);
    onRound?.(figures);
  }
  return figures;
}

async function mutant(door: Door, dice: Dice, corpus: readonly Buffer[]): Promise<Buffer> {
  const input = dice.pick(corpus);
  const way = door.reshape === undefined ? 0 : dice.between(0, 2);
  const mutated = way === 2 ? input : mutate(input, dice, corpus);
  return way === 0 ? mutated : door.reshape!(mutated, dice);
}

function keep(corpus: Buffer[], input: Buffer, dice: Dice): void {
  if (corpus.length < KEPT_MAX) corpus.push(Buffer.from(input));
  else corpus[dice.between(0, KEPT_MAX - 1)] = Buffer.from(input);
}

/** @returns whether the outcome is of a kind that wasn't seen before */
async function opened(door: Door, input: Buffer, { before }: HuntOptions, figures: Figures): Promise<boolean> {
  before?.(input);
  figures.inputs++;
  const start = performance.now();
  let kind: string;
  try {
    kind = await door.open(input);
  } catch (error) {
    const { name, message, stack } = error as Error;
    kind = `find: ${name}: ${message}`;
    if (!figures.kinds.has(kind)) figures.finds.push({ door: door.name, input, what: stack ?? message });
  }
  const ms = performance.now() - start;
  if (ms > figures.slowestMs) figures.slowestMs = ms <= INPUT_MS_MAX ? ms : await timedAgain(door, input, figures);
  const isNew = !figures.kinds.has(kind);
  figures.kinds.set(kind, (figures.kinds.get(kind) ?? 0) + 1);
  return isNew;
}

/** The time of this process's own work for an input, because a busy machine makes any of them slow once. */
async function timedAgain(door: Door, input: Buffer, figures: Figures): Promise<number> {
  const before = process.cpuUsage();
  await replay(door, [input], {});
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  if (ms > INPUT_MS_MAX) figures.finds.push({ door: door.name, input, what: `took ${Math.round(ms)} ms` });
  return Math.max(ms, figures.slowestMs);
}

async function agreed(door: Door, dice: Dice, figures: Figures): Promise<void> {
  figures.agreed++;
  const random = openDice(dice.between(0, 2 ** 31));
  try {
    await door.agree(random);
  } catch (error) {
    figures.finds.push({ door: door.name, input: Buffer.alloc(0), what: (error as Error).stack! });
  }
}

async function replay(door: Door, inputs: readonly Buffer[], { before }: Pick<HuntOptions, "before">): Promise<void> {
  for (const input of inputs) {
    before?.(input);
    try {
      await door.open(input);
    } catch {
      // It was noted when it was opened first.
    }
  }
}

/** The inputs of a round that reach new code, by halves: one for each block that isn't reached by another of them. */
async function narrowed(
  round: readonly Buffer[],
  coverage: Coverage,
  run: (inputs: readonly Buffer[]) => Promise<void>,
): Promise<readonly Buffer[]> {
  coverage.take();
  await run(round);
  const reached = coverage.take();
  if (reached.length === 0) return [];
  if (round.length === 1) {
    coverage.know(reached);
    return round;
  }
  const middle = round.length >> 1;
  const first = await narrowed(round.slice(0, middle), coverage, run);
  return [...first, ...(await narrowed(round.slice(middle), coverage, run))];
}

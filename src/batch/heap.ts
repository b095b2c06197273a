import { setFlagsFromString } from "node:v8";

/**
 * By how much of what is alive the heap may grow before V8 collects all of it. The buffers of fetches and rows count as
 * heap, and by itself V8 allowed so little that landing 1.2 M ticks took 43 full collections, a third of Node's
 * processor time. With 200 % it takes 17; 400 % and more save four of those and need 20 MB more, and what ends the growth
 * there are the 64 MB of new buffers behind which V8 collects in any case.
 */
const GROWTH_PERCENT = 200;

/** For processes that land, before they do: it holds for the whole process, from the next full collection on. */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}

import { setFlagsFromString } from "node:v8";

/**
 * By how much of what is alive the heap may grow before V8 collects all of it. The buffers of fetches and rows count as
 * heap, and by itself V8 allowed so little that landing 1.2 M ticks took 43 full collections, a third of Node's
 * processor time. With 200 % it takes 17; 400 % and more save four of those and need 20 MB more, and what ends the growth
 * there are the 64 MB of new buffers behind which V8 collects in any case. The price: a process of few buffers may hold
 * up to three times the objects that are alive, which are some 25 MB.
 */
const GROWTH_PERCENT = 200;

/**
 * For processes that land, before they do: it holds for the whole process, from the next full collection on. Read when
 * V8 sets its next limit, so it may be set at run time; a V8 that doesn't know it says so on stderr and goes on.
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}

import { setFlagsFromString } from "node:v8";

/**
 * By how many percent of its live objects the heap may grow before V8 runs a full collection. The buffers of fetches and
 * rows count as heap, and V8's own limit is so low that landing 1.2 M ticks took 43 full collections, a third of Node's
 * processor time. With 200 % it takes 17; 400 % and more save four of those and need 20 MB more, since V8 runs one after
 * every 64 MB of new buffers in any case. The price: a process with few buffers may hold up to three times its live
 * objects, which are some 25 MB.
 */
const GROWTH_PERCENT = 200;

/**
 * Sets GROWTH_PERCENT for the whole process; called before it lands anything. V8 reads the flag when a full collection
 * sets the next limit, so it may be set at run time; a V8 that doesn't know the flag says so on stderr and goes on.
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}

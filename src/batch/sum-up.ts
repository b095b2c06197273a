import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";

/** Often enough to see that it moves, seldom enough that a year of it can be kept. */
const SUMMARY_MS = 60_000;

/** What is counted, and its counts from the beginning on. */
type Counted = readonly [of: Readonly<Record<string, string>>, counts: Readonly<Record<string, number>>];

/**
 * Says once a minute in the log what was done since it was said last, a line each, and nothing of what stood still.
 * @param done how a line says what was done
 * @returns says what is left to say, and ends it
 */
export function sumUp(
  { log, clock }: { readonly log: Log; readonly clock: Clock },
  done: string,
  counted: () => readonly Counted[],
): () => void {
  const told = new Map<string, Counted[1]>();
  let toldMs = clock.now();
  const tell = () => {
    const seconds = Math.round((clock.now() - toldMs) / 1000);
    toldMs = clock.now();
    for (const [of, counts] of counted()) {
      const key = Object.values(of).join();
      const before = told.get(key);
      told.set(key, counts);
      const since = Object.entries(counts).map(([name, count]) => [name, count - (before?.[name] ?? 0)] as const);
      const some = since.filter(([, count]) => count > 0);
      if (some.length > 0) log.info({ ...of, seconds, ...Object.fromEntries(some) }, done);
    }
  };
  const end = clock.every(SUMMARY_MS, tell);
  return () => {
    end();
    tell();
  };
}

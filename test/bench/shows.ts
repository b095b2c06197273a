import { median, shown, spread } from "./figures.ts";
import type { Aspect, Store } from "./store.ts";

/** A promise of speed, judged. */
export interface Shown {
  readonly what: string;
  readonly wanted: string;
  /** Every round's, so that a lucky one is seen for what it is. */
  readonly found: string;
  readonly isOk: boolean;
}

interface Promised {
  readonly what: string;
  readonly wanted: string;
  readonly values: (store: Store) => number[];
  readonly isOk: (median: number) => boolean;
}

/** Two subjects of the same round, divided: what slowed the one has slowed the other. */
const ratios = (store: Store, one: string, other: string): number[] => {
  const [above, below] = [store.values(one, "rate"), store.values(other, "rate")];
  return above.length === below.length ? above.map((value, round) => value / below[round]!) : [];
};

const ratio = (what: string, one: string, other: string, least: number, aim = ""): Promised => ({
  what,
  wanted: `>= ${least}${aim}`,
  values: (store) => ratios(store, one, other),
  isOk: (value) => value >= least,
});

const atMost = (what: string, subject: string, aspect: Aspect, most: number): Promised => ({
  what,
  wanted: `<= ${shown(most)}`,
  values: (store) => store.values(subject, aspect),
  isOk: (value) => value <= most,
});

/** Memory that still fills its buffers may look like growth of this much; a leak over ten million events doesn't. */
const GROWTH_PERCENT_MAX = 5;

/** @param lingerMs how long the publisher waits for company, a part of every latency */
const promised = (lingerMs: number): readonly Promised[] => [
  ratio("(a) landing, as a share of (b) one COPY", "a", "b", 0.6, ", aim 0.8"),
  ratio("(a) landing / (c) the usual way, as documented", "a", "c500", 4),
  ratio("(a) landing / (c) the usual way, tuned", "a", "c1000", 2.5),
  {
    what: "(d) what exactly-once costs, %",
    wanted: "<= 15",
    values: (store) => ratios(store, "a", "d").map((share) => 100 * (1 - share)),
    isOk: (value) => value <= 15,
  },
  ratio("(e) 1 % of the events twice / clean", "e1", "a", 0.5),
  atMost(`(g) at 30 %: publish to visible, p50 ms (linger ${lingerMs} + 15)`, "g30", "p50Ms", lingerMs + 15),
  atMost(`(g) at 30 %: publish to visible, p99 ms (linger ${lingerMs} + 75)`, "g30", "p99Ms", lingerMs + 75),
  {
    what: "(h) ticks published and acknowledged a second",
    wanted: ">= 100,000",
    values: (store) => store.values("h", "rate"),
    isOk: (value) => value >= 100_000,
  },
  atMost("(i) MB resident, backlog of 10 M events", "i", "residentMb", 350),
  atMost("(i) growth over it, %", "i", "growthPercent", GROWTH_PERCENT_MAX),
  atMost("(j) all groups idle, % of a core", "j", "nodePercent", 2),
  ratio("(l) landing beside the largest table / into an empty one", "l2", "l0", 0.8),
  {
    what: "(poison) 1 bad row in 10,000 / a clean batch",
    wanted: "<= 3",
    values: (store) => store.values("poison1", "ms").map((ms, n) => ms / store.values("poison0", "ms")[n]!),
    isOk: (value) => value <= 3,
  },
];

/** The promises that there are figures for. */
export function judged(store: Store, lingerMs: number): Shown[] {
  return promised(lingerMs).flatMap(({ what, wanted, values, isOk }) => {
    const found = values(store);
    if (found.length === 0) return [];
    const { low, high } = spread(found);
    const middle = median(found);
    const range = found.length > 1 ? ` (${shown(low)} to ${shown(high)})` : "";
    return [{ what, wanted, found: `${shown(middle)}${range}`, isOk: isOk(middle) }];
  });
}

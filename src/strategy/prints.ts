import type { TickEvent } from "../event/events.ts";

/**
 * What a trade may set, as bits: the high and low of bars shorter than a day, those of longer ones, open and close, and
 * whether its size counts.
 */
export const SETS = { range: 1, longRange: 2, last: 4, volume: 8 } as const;

/** What a trade sets about which nothing is said. */
export const EVERYTHING = SETS.range | SETS.longRange | SETS.last | SETS.volume;
const VOLUME = SETS.volume;
/** A trade that is told late, or at a price of before: of the day, but not of the minute that tells it, and never its last. */
const OF_DAY = SETS.longRange | SETS.volume;
/** What tells a price and repeats trades that were told by themselves. */
const NOTHING = 0;

/**
 * US shares' sale conditions, by the letters of the consolidated tape: whether a trade updates high, low, last and volume of
 * the whole market, as the tables of the CTS and UTP participant specifications say it ("Sale Condition Matrix"). Where they
 * say yes to high and low and no to last (or only if it is the day's first), the trade is told late or refers to an
 * earlier price: OF_DAY. T, a trade in extended hours, is there where extended hours are: see `printsOf`.
 */
const TAPE: Readonly<Record<string, number>> = {
  ...Object.fromEntries([..."@ADEFKOSXY156"].map((letter) => [letter, EVERYTHING])),
  // Derivatively priced, bunched sold, sold last, prior reference price, seller, sold out of sequence.
  ...Object.fromEntries([..."4GLPRZ"].map((letter) => [letter, OF_DAY])),
  // Average price, cash, next day, price variation, odd lot, extended hours out of sequence, contingent (V and 7).
  ...Object.fromEntries([..."BWCNHIUV7"].map((letter) => [letter, VOLUME])),
  // The official open and close of one exchange, and the corrected close: reports, no trades.
  ...Object.fromEntries([..."MQ9"].map((letter) => [letter, NOTHING])),
  T: EVERYTHING,
};

/** The letters of Lean's flags, by their bit (Common/Data/Auxiliary/TradeConditionFlags.cs): regular, cash, next day ... */
const LEAN_BITS = "@CNRYFO654TL1TZSA@VDWXHKMPQ.E@.I";
/** A bit whose meaning no letter has: CAP election, whose repeats are volume alone. Nobody describes bit 30. */
const LEAN_OWN: Readonly<Record<number, number>> = { 27: VOLUME };

/** The letters of Polygon's numbers (its glossary of conditions and indicators, US stocks). */
const POLYGON: Readonly<Record<string, string>> = {
  ...{ 0: "@", 1: "A", 2: "W", 3: "E", 4: "@", 5: "G", 7: "C", 8: "6", 9: "X", 10: "4", 11: "D", 12: "T", 13: "U" },
  ...{ 14: "F", 15: "M", 16: "Q", 17: "O", 18: "5", 19: "6", 20: "N", 21: "H", 22: "P", 23: "K", 24: "K", 25: "O" },
  ...{
    27: "1",
    28: "5",
    29: "R",
    30: "L",
    33: "Z",
    34: "S",
    35: "V",
    36: "Y",
    37: "I",
    38: "9",
    41: "@",
    52: "V",
    53: "7",
  },
};

/** A code that no table has sets everything, and says so. */
const UNKNOWN = EVERYTHING | 16;

/** What each letter sets; the tape's table, but for T. */
type Letters = Readonly<Record<string, number>>;

/** What a condition of a feed sets, by the feed's source. */
const READERS: Readonly<Record<string, (code: string, letters: Letters) => number>> = {
  lean: (code, letters) => (code === "suspicious" ? VOLUME : ofLean(Number(`0x${code}`), letters)),
  "polygon-trades": (code, letters) => letters[POLYGON[code] ?? ""] ?? UNKNOWN,
  "alpaca-trades": (code, letters) => letters[code] ?? UNKNOWN,
};

/** All flags together: what each of them allows. */
function ofLean(flags: number, letters: Letters): number {
  if (Number.isNaN(flags)) return UNKNOWN;
  const bits = [...LEAN_BITS].flatMap((letter, bit) => {
    const isSet = Math.floor(flags / 2 ** bit) % 2 === 1;
    return isSet ? [LEAN_OWN[bit] ?? letters[letter] ?? UNKNOWN] : [];
  });
  const isUnknown = bits.includes(UNKNOWN) || flags >= 2 ** LEAN_BITS.length;
  return bits.reduce((all, sets) => all & sets, EVERYTHING) | (isUnknown ? UNKNOWN & ~EVERYTHING : 0);
}

interface PrintCounts {
  /** Ticks that set no price, or not every one. */
  filtered: number;
  /** Ticks with a condition that no table has: they count as regular ones. */
  unknown_condition: number;
}

/**
 * What ticks of a source may set, by their conditions: what all of them allow. Sources whose conditions are no sale
 * conditions, or of no table, set everything. In regular hours a trade in extended hours (T) is one that is told late.
 */
export function printsOf(source: string, isRegular: boolean, counts: PrintCounts): (tick: TickEvent) => number {
  const read = READERS[source];
  if (read === undefined) return () => EVERYTHING;
  const letters = isRegular ? { ...TAPE, T: VOLUME } : TAPE;
  const known = new Map<string, number>();
  return ({ conditions }) => {
    let sets = EVERYTHING;
    let isUnknown = false;
    for (const code of conditions ?? []) {
      let own = known.get(code);
      if (own === undefined) {
        own = read(code, letters);
        known.set(code, own);
      }
      sets &= own;
      isUnknown ||= own > EVERYTHING;
    }
    if (isUnknown) counts.unknown_condition++;
    if (sets !== EVERYTHING) counts.filtered++;
    return sets;
  };
}

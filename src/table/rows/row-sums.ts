import { POSTGRES_EPOCH_US } from "./copy-buffer.ts";

/** Rows, and the sum of their hashes of 64 bits, modulo 2^64. */
export interface Sum {
  rows: number;
  hash: bigint;
}

/** Sums by a part of time, named as ISO 8601 does: an hour as 2024-03-05T14, a day, a month or a year. */
export type Sums = ReadonlyMap<string, Sum>;

/** The same as JSON has it: the rows and the hash in hexadecimal, as in {"2024-03-05T14": "5000 89abcdef01234567"}. */
export type SumsText = Readonly<Record<string, string>>;

const HOUR_MS = 3_600_000;
const EPOCH_HOURS = POSTGRES_EPOCH_US / 1000 / HOUR_MS;

/** The hours of the years 1000 to 9999, whose names have as many letters each. */
const OUR_HOURS = {
  from: Date.UTC(1000) / HOUR_MS - EPOCH_HOURS,
  to: Date.UTC(10_000) / HOUR_MS - EPOCH_HOURS,
};

/** How long the names of years, months, days and hours are: each begins with the names of those that it lies in. */
const NAME_LENGTHS = [4, 7, 10, 13] as const;
const HOUR_NAME_LENGTH = 13;

/** So many parts of time are told of a batch at most: one of daily bars of 20 years is told by months. */
const PARTS_MAX = 256;

/** An hour since 2000 as its name; what no event lies in, as a table has that somebody changed, has a name of its own. */
export function hourName(hour: number): string {
  const time = new Date((hour + EPOCH_HOURS) * HOUR_MS);
  return Number.isNaN(time.getTime()) ? "beyond all time" : time.toISOString().slice(0, HOUR_NAME_LENGTH);
}

/** A hash of 64 bits. @param low its halves, as any 32 bits */
export const hashOf = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** Adds up rows' hashes by the hours of their times, without an object a row. */
export class RowSums {
  /** By hour since 2000: rows, and the low and the high half of the sum. */
  readonly #hours = new Map<number, [rows: number, low: number, high: number]>();
  #hour = Number.NaN;
  #current: [number, number, number] = [0, 0, 0];

  /** @param hour since 2000, when PostgreSQL's time begins @param low the halves of the row's hash, as any 32 bits */
  add(hour: number, low: number, high: number): void {
    if (hour !== this.#hour) this.#turnTo(hour);
    const sum = this.#current;
    const added = sum[1] + (low >>> 0);
    sum[0]++;
    sum[1] = added >>> 0;
    sum[2] = (sum[2] + high + (added > 0xffffffff ? 1 : 0)) | 0;
  }

  #turnTo(hour: number): void {
    const known = this.#hours.get(hour);
    this.#current = known ?? [0, 0, 0];
    this.#hour = hour;
    if (known === undefined) this.#hours.set(hour, this.#current);
  }

  /** By hours. */
  sums(): Sums {
    const sums = new Map<string, Sum>();
    for (const [hour, [rows, low, high]] of this.#hours) {
      addTo(sums, hourName(hour), { rows, hash: hashOf(low, high) });
    }
    return sums;
  }

  /** By hours, or by days, months or years where there are too many of them. */
  text(): SumsText {
    return this.#hoursText() ?? this.#groupedText();
  }

  /** What nearly every batch has, a few hours of our time, is told without a grouping and without a bigint. */
  #hoursText(): SumsText | undefined {
    if (this.#hours.size > PARTS_MAX) return undefined;
    const hours = [...this.#hours.keys()].sort((a, b) => a - b);
    // Of other years the names don't sort as the hours do, and of none there is but one name.
    if (!hours.every((hour) => hour >= OUR_HOURS.from && hour < OUR_HOURS.to)) return undefined;
    const told: Record<string, string> = {};
    for (const hour of hours) {
      const [rows, low, high] = this.#hours.get(hour)!;
      told[hourName(hour)] = `${rows} ${hexOf(high)}${hexOf(low)}`;
    }
    return told;
  }

  #groupedText(): SumsText {
    const hours = this.sums();
    for (const length of NAME_LENGTHS.toReversed()) {
      const parts = groupedBy(hours, (hour) => hour.slice(0, length));
      if (parts.size <= PARTS_MAX || length === NAME_LENGTHS[0]) return textOf(parts);
    }
    return {};
  }
}

export function addTo(sums: Map<string, Sum>, name: string, { rows, hash }: Sum, sign: 1 | -1 = 1): void {
  const sum = sums.get(name) ?? { rows: 0, hash: 0n };
  sum.rows += sign * rows;
  sum.hash = BigInt.asUintN(64, sum.hash + BigInt(sign) * hash);
  sums.set(name, sum);
}

export function groupedBy(sums: Sums, groupOf: (name: string) => string): Map<string, Sum> {
  const groups = new Map<string, Sum>();
  for (const [name, sum] of sums) addTo(groups, groupOf(name), sum);
  return groups;
}

/** Finds the part of time to which an hour's rows are compared: the longest one that is told of and that it lies in. */
export function coarsest(told: Iterable<string>): (name: string) => string {
  const parts = new Set([...told].filter((name) => name.length < HOUR_NAME_LENGTH));
  return (name) => NAME_LENGTHS.map((length) => name.slice(0, length)).find((part) => parts.has(part)) ?? name;
}

/** 32 bits as eight digits. */
const hexOf = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");

const textOf = (sums: Sums): SumsText =>
  Object.fromEntries(
    [...sums].sort().map(([name, { rows, hash }]) => [name, `${rows} ${hash.toString(16).padStart(16, "0")}`]),
  );

const SUM = /^(\d{1,15}) ([0-9a-f]{16})$/;

/** @returns undefined for what isn't sums: somebody altered them, or they are of a later version */
export function sumsOf(text: unknown): Sums | undefined {
  if (typeof text !== "object" || text === null) return undefined;
  const sums = new Map<string, Sum>();
  for (const [name, value] of Object.entries(text)) {
    const [, rows, hash] = SUM.exec(String(value)) ?? [];
    if (rows === undefined) return undefined;
    sums.set(name, { rows: Number(rows), hash: BigInt(`0x${hash}`) });
  }
  return sums;
}

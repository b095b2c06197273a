import type { Connection } from "../connection.ts";

/** Days since 1970, UTC. */
export type Day = number;

const DAY_US = 86_400_000_000;

export const dayOf = (timestampUs: number): Day => Math.floor(timestampUs / DAY_US);

/** A day as 2024-03-05. */
export const isoDate = (day: Day): string => new Date(day * 86_400_000).toISOString().slice(0, 10);

/**
 * Makes the tick partitions of these days, where they aren't there; on a session that holds no other lock.
 * @returns which of them are behind the horizon: they have no partition, and never will have
 */
export async function makeTickDays(connection: Connection, days: readonly Day[]): Promise<readonly Day[]> {
  const past: Day[] = [];
  for (const day of days) {
    const [row] = await connection.query<{ made: boolean | null }>("SELECT tradetape.make_tick_day($1::date) AS made", [
      isoDate(day),
    ]);
    if (row?.made === null) past.push(day);
  }
  return past;
}

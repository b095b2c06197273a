import type { Connection } from "./connection.ts";

/** Days since 1970, UTC. */
export type Day = number;

const DAY_US = 86_400_000_000;

export const dayOf = (timestampUs: number): Day => Math.floor(timestampUs / DAY_US);

const isoDate = (day: Day): string => new Date(day * 86_400_000).toISOString().slice(0, 10);

/** Makes the tick partitions of these days, where they aren't there; on a session that holds no other lock. */
export async function makeTickDays(connection: Connection, days: readonly Day[]): Promise<void> {
  for (const day of days) await connection.run("SELECT tradetape.make_tick_day($1::date)", [isoDate(day)]);
}

import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { to } from "pg-copy-streams";
import { EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { FIRST_DAY } from "../context.ts";

/** The columns that a tick's event gives, quoted, in the order of the product's own COPY. */
export const TICK_COLUMNS = EVENT_SCHEMAS.tick.fields.map(({ name }) => `"${name}"`).join(", ");

/** A day of the seeded ticks, as a date. @param n counted from the first */
export const isoDay = (n: number): string => new Date((FIRST_DAY + n) * 86_400_000).toISOString().slice(0, 10);

/** Writes all ticks of a database into a file as PostgreSQL's own binary COPY does. @param order an ORDER BY, or nothing */
export async function exportRows(databaseUrl: string, file: string, order: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const select = `SELECT ${TICK_COLUMNS} FROM public.market_data_tick ${order}`;
  await pipeline(client.query(to(`COPY (${select}) TO STDOUT (FORMAT binary)`)), createWriteStream(file));
  await client.end();
}

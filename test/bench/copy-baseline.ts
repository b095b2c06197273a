import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from, to } from "pg-copy-streams";

/** Rows as PostgreSQL itself wrote them in its binary format, header and trailer included. */
export interface ExportedRows {
  readonly rows: number;
  readonly bytes: Buffer;
}

/** The rows of one day, by PostgreSQL's own binary COPY, in the order in which they lie in the table. */
export async function exportDay(client: pg.Client, leaf: string): Promise<ExportedRows> {
  const chunks: Buffer[] = [];
  const source = client.query(to(`COPY public.${client.escapeIdentifier(leaf)} TO STDOUT (FORMAT binary)`));
  for await (const chunk of source) chunks.push(chunk as Buffer);
  const { rows } = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM public.${client.escapeIdentifier(leaf)}`,
  );
  return { rows: rows[0]!.n, bytes: Buffer.concat(chunks) };
}

/**
 * One COPY of these rows into an empty table with the same columns, constraints and indexes, committed: what PostgreSQL
 * takes when nobody decodes, checks, remembers or tells anything.
 * @returns seconds
 */
export async function copyOnce(client: pg.Client, leaf: string, exported: ExportedRows): Promise<number> {
  await client.query("DROP TABLE IF EXISTS public.bench_copy");
  await client.query(`CREATE TABLE public.bench_copy (LIKE public.${client.escapeIdentifier(leaf)} INCLUDING ALL)`);
  const startedMs = performance.now();
  await pipeline([exported.bytes], client.query(from("COPY public.bench_copy FROM STDIN (FORMAT binary)")));
  const seconds = (performance.now() - startedMs) / 1000;
  const { rows } = await client.query<{ n: number }>("SELECT count(*)::int AS n FROM public.bench_copy");
  if (rows[0]!.n !== exported.rows) throw new Error(`the baseline copied ${rows[0]!.n} of ${exported.rows} rows`);
  await client.query("DROP TABLE public.bench_copy");
  return seconds;
}

/**
 * The ceiling: COPY in the binary format, of rows that lie ready in memory, by one client, in one transaction unless told
 * otherwise. Nobody fetches, decodes, checks or remembers anything; the broker idles beside it.
 */
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from } from "pg-copy-streams";
import { readConfig, requireServices } from "../../../src/config.ts";
import { COPY_HEADER, COPY_TRAILER, rowGroups } from "../copy-file.ts";
import { argsOf, Measure, print } from "./measure.ts";

export interface CopyArgs {
  /** A whole COPY file, as PostgreSQL wrote it. */
  readonly file: string;
  readonly rows: number;
  readonly statement: string;
  readonly rowsPerTransaction?: number;
  /** Statements of each transaction behind its COPY, as where rows go by way of a stage. */
  readonly behind?: readonly string[];
  /** Statements before the first transaction. */
  readonly ahead?: readonly string[];
}

/** A client's usual writes: much smaller and the calls cost, the whole in one and the server buffers all of it first. */
const CHUNK_BYTES = 256 * 1024;

const { file, rows, statement, rowsPerTransaction = rows, behind = [], ahead = [], pids } = argsOf<CopyArgs>();
const bytes = readFileSync(file);
const groups = rowGroups(bytes, rowsPerTransaction);

function* chunks(group: Buffer): Generator<Buffer> {
  yield COPY_HEADER(bytes);
  for (let at = 0; at < group.length; at += CHUNK_BYTES) yield group.subarray(at, at + CHUNK_BYTES);
  yield COPY_TRAILER;
}

const client = new pg.Client({ connectionString: requireServices(readConfig(), "databaseUrl").databaseUrl });
await client.connect();
for (const text of ahead) await client.query(text);
let copied = 0;
const measure = new Measure(pids);
for (const group of groups) {
  await client.query("BEGIN");
  const copy = client.query(from(statement));
  await pipeline(Readable.from(chunks(group)), copy);
  copied += copy.rowCount;
  for (const text of behind) await client.query(text);
  await client.query("COMMIT");
}
const measured = measure.end(rows);
await client.end();
if (copied !== rows) throw new Error(`${copied} of ${rows} rows were copied`);
print(measured);

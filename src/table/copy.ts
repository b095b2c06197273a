import type pg from "pg";
import { from } from "pg-copy-streams";

/** "PGCOPY\n\377\r\n\0", no flags, no header extension. */
const HEADER = Buffer.from("5047434f50590aff0d0a000000000000000000", "hex");
/** A field count of -1 ends the data. */
const TRAILER = Buffer.from("ffff", "hex");

/**
 * Sends rows in the binary format with one COPY statement.
 * @param statement `COPY relation (columns) FROM STDIN (FORMAT binary)`
 * @param rows whole rows, without header and trailer; goes to the socket as it is, so it must stay unchanged until then
 * @returns when PostgreSQL has answered for all of it
 * @throws pg's DatabaseError, after which ROLLBACK TO makes the session usable again
 */
export function copyRows(client: pg.Client, statement: string, rows: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.query(from(statement));
    stream.on("error", reject);
    stream.on("finish", resolve);
    gatherWrites(client);
    stream.write(HEADER);
    stream.write(rows);
    stream.end(TRAILER);
  });
}

/**
 * Begins to send only when everything is written that can be: else each of the seven parts of a small COPY goes out by
 * itself, and PostgreSQL wakes up for it.
 */
function gatherWrites({ connection }: pg.Client): void {
  const { stream } = connection;
  connection.prependOnceListener("copyInResponse", () => {
    stream.cork();
    setImmediate(() => stream.uncork());
  });
}

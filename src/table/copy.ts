import pg from "pg";

/** "PGCOPY\n\377\r\n\0", no flags, no header extension. */
const HEADER = Buffer.from("5047434f50590aff0d0a000000000000000000", "hex");
/** A field count of -1 ends the data. */
const TRAILER = Buffer.from("ffff", "hex");
/** The messages around the data (PostgreSQL's documentation, "Message Formats"): their length counts itself. */
const COPY_DATA = "d".charCodeAt(0);
const COPY_DONE = Buffer.from("6300000004", "hex");
const LENGTH_BYTES = 4;

/**
 * A COPY whose data goes out with its statement, in one write: PostgreSQL reads both from its socket one behind the other,
 * and passes over the data when the statement has failed. To wait for CopyInResponse first, as pg-copy-streams does, costs a
 * round trip and six wake-ups of the server, which is most of a small batch's COPY.
 */
class CopyIn extends pg.Query {
  readonly #statement: string;
  readonly #rows: Buffer;

  constructor(statement: string, rows: Buffer) {
    super(statement);
    this.#statement = statement;
    this.#rows = rows;
  }

  override submit = (connection: pg.Connection): void => {
    const { stream } = connection;
    const head = Buffer.alloc(1 + LENGTH_BYTES);
    head[0] = COPY_DATA;
    head.writeUInt32BE(LENGTH_BYTES + HEADER.length + this.#rows.length + TRAILER.length, 1);
    stream.cork();
    connection.query(this.#statement);
    stream.write(Buffer.concat([head, HEADER]));
    stream.write(this.#rows);
    stream.write(Buffer.concat([TRAILER, COPY_DONE]));
    stream.uncork();
  };

  /** CopyInResponse, the leave to send: the data is on its way already. */
  handleCopyInResponse(): void {}
}

/**
 * Sends rows in the binary format with one COPY statement, which others may stand around.
 * @param statement `COPY relation (columns) FROM STDIN (FORMAT binary)`
 * @param rows whole rows, without header and trailer; goes to the socket as it is, so it must stay unchanged until then
 * @returns how many rows PostgreSQL says that the table took, when it has answered for all of it
 * @throws pg's DatabaseError, after which ROLLBACK TO makes the session usable again
 */
export function copyRows(client: pg.Client, statement: string, rows: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const copy = new CopyIn(statement, rows);
    copy.on("error", reject);
    copy.on("end", (results: pg.QueryResult | pg.QueryResult[]) => {
      const own = [results].flat().find(({ command }) => command === "COPY");
      resolve(own?.rowCount ?? 0);
    });
    client.query(copy);
  });
}

/** Is told each row in COPY's binary format, and where it begins. @returns where it ends */
export type RowReader = (view: DataView, start: number) => number;

/** A COPY that gives rows: PostgreSQL sends each in a message of its own, the first behind the header. */
class CopyOut extends pg.Query {
  readonly #read: RowReader;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #begun = false;

  constructor(statement: string, read: RowReader) {
    super(statement);
    this.#read = read;
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    // Many rows lie in one buffer of the socket's.
    if (this.#view.buffer !== chunk.buffer) this.#view = new DataView(chunk.buffer);
    const view = this.#view;
    const end = chunk.byteOffset + chunk.length;
    let at = chunk.byteOffset + (this.#begun ? 0 : HEADER.length);
    this.#begun = true;
    while (at < end && view.getInt16(at) >= 0) at = this.#read(view, at);
  }
}

/**
 * Reads rows in the binary format as they come, of which none is kept.
 * @param statement `COPY (query) TO STDOUT (FORMAT binary)`; the query may change rows and return them
 * @throws pg's DatabaseError, and what `read` throws
 */
export function copyOut(client: pg.Client, statement: string, read: RowReader): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: unknown;
    const copy = new CopyOut(statement, (view, start) => {
      if (failure !== undefined) return view.byteLength;
      try {
        return read(view, start);
      } catch (error) {
        failure = error;
        return view.byteLength;
      }
    });
    copy.on("error", reject);
    copy.on("end", () => (failure === undefined ? resolve() : reject(failure)));
    client.query(copy);
  });
}

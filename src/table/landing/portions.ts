/** What the records of one statement may hold: it travels as text, of which a program can make 512 MiB at most. */
const STATEMENT_BYTES_MAX = 32 * 1024 * 1024;

/** A record as a statement has it; headers as JSON can hold them. */
interface Sized {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** What a record takes of a statement, roughly; keys and values take twice that as hexadecimal digits. */
const sizeOf = ({ key, value, headers }: Sized): number =>
  Object.entries(headers).reduce(
    (sum, [name, values]) => sum + name.length + String(values).length,
    (key?.length ?? 0) + (value?.length ?? 0),
  );

/** Rows as the statements that insert them have them, in their order: each holds what may go at once, or one row. */
export function* portions<T>(rows: readonly T[], recordOf: (row: T) => Sized): Generator<readonly T[]> {
  let from = 0;
  let bytes = 0;
  for (const [at, row] of rows.entries()) {
    const more = sizeOf(recordOf(row));
    if (at > from && bytes + more > STATEMENT_BYTES_MAX) {
      yield rows.slice(from, at);
      from = at;
      bytes = 0;
    }
    bytes += more;
  }
  if (from < rows.length) yield from === 0 ? rows : rows.slice(from);
}

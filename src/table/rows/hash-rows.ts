import type { Connection } from "../connection.ts";
import type { RowHasher } from "./row-hasher.ts";
import { RowSums } from "./row-sums.ts";

export interface HashedRows {
  readonly rows: number;
  readonly sums: RowSums;
}

const ROWS_BETWEEN = 50_000;

/**
 * Hashes the rows that a query gives, as they come.
 * @param query SQL whose columns are those of `landedList`; it may change rows and return them
 * @param onRows called now and then with how many have been read
 */
export async function hashRows(
  connection: Connection,
  query: string,
  hasher: RowHasher,
  onRows?: (rows: number) => void,
): Promise<HashedRows> {
  const sums = new RowSums();
  let rows = 0;
  await connection.read(`COPY (${query}) TO STDOUT (FORMAT binary)`, (view, start) => {
    if (++rows % ROWS_BETWEEN === 0) onRows?.(rows);
    return hasher.add(sums, view, start);
  });
  return { rows, sums };
}

import type { OnRows } from "../../verify/tables.ts";
import type { Bar, Progress } from "../progress.ts";

/** A bar for each table that is compared, as it comes; the one before ends then. */
export function rowsProgress(progress: Progress): OnRows {
  let current: { readonly table: string; readonly bar: Bar } | undefined;
  return (table, done, total) => {
    if (current?.table !== table) current = { table, bar: progress.bar(table, total, "rows") };
    current.bar.set(done, total);
    if (done >= total) current.bar.end();
  };
}

import type { CheckedColumn } from "./catalog.ts";
import { type CopyBuffer, writeNull } from "./copy-buffer.ts";

/** What the record gives beside the event. Times in microseconds since 1970. */
export interface RecordFacts {
  readonly published_at: number;
  readonly source_partition: number;
  readonly source_offset: number;
  /** The broker's time that the event had before it was redriven; as `published_at` when absent. */
  readonly first_published_at?: number;
  /** The name of the key that signed it; null where it carries no signature, or nobody asks. */
  readonly signed_by?: string | null;
}

/** Why a row could not be written: the column, and a word on its value. */
interface RowRefusal {
  readonly column: string;
  readonly detail: string;
}

/** A value as a letter shows it: enough to recognise it, never a megabyte. */
const SHOWN_CHARACTERS_MAX = 64;

export function shownValue(value: unknown): string {
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length <= SHOWN_CHARACTERS_MAX
    ? text
    : `${text.slice(0, SHOWN_CHARACTERS_MAX)}... (${text.length} characters)`;
}

/** Writes events of one kind as rows of one table. */
export class RowEncoder {
  readonly #columns: readonly CheckedColumn[];
  readonly #revisedAt: number;

  constructor(columns: readonly CheckedColumn[], revised: boolean) {
    this.#columns = columns;
    this.#revisedAt = revised ? columns.findIndex((column) => column.name === "revised_at") : -1;
  }

  /** Appends one row, or leaves `out` as it was and says which column refused the value. */
  write(out: CopyBuffer, event: Readonly<Record<string, unknown>>, facts: RecordFacts): RowRefusal | undefined {
    const start = out.length;
    const columns = this.#columns;
    out.int16(columns.length);
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!;
      let value = column.from === "event" ? event[column.name] : facts[column.name as keyof RecordFacts];
      if (value === null || value === undefined) {
        if (i === this.#revisedAt) value = facts.first_published_at ?? facts.published_at;
        else {
          writeNull(out);
          continue;
        }
      }
      if (!column.write(out, value)) {
        out.length = start;
        return { column: column.name, detail: `${column.name} can't hold ${shownValue(value)}` };
      }
    }
    return undefined;
  }
}

import type { Consumer } from "../../batch/consumer.ts";
import { formsOf, wentInOf } from "../../table/checks/went-in.ts";
import { landingColumns } from "../../table/rows/landing-table.ts";
import type { PickedRow } from "../../table/rows/row-picker.ts";
import { addTo, type Sum } from "../../table/rows/row-sums.ts";
import type { OffsetRange } from "../../topic/read-ranges.ts";
import { type Differing, LISTED_MAX } from "./claims.ts";

/** A row as an event of the log makes it. */
export interface ToldRow extends PickedRow {
  /** The event, as topic/partition@offset. */
  readonly place: string;
}

/** A row that isn't what an event of the log says. */
interface NamedRow {
  readonly kind: "changed" | "removed" | "added";
  readonly id: string;
  /** The hour of the row's time; of a changed one as the log has it. */
  readonly hour: string;
  /** Where a changed row has another value. */
  readonly columns: readonly string[];
  /** The event, as topic/partition@offset; null of an added row. */
  readonly place: string | null;
}

/** The rows of the parts of time that differ, held against the log one by one. */
export interface NamedRows {
  /** All counted, the first ones listed. */
  readonly differing: number;
  readonly rows: readonly NamedRow[];
  /** Offsets that the log no longer holds. Rows that came by them can't be told from added ones, and are counted only. */
  readonly gone: readonly { readonly partition: string; readonly from: number; readonly to: number }[];
  readonly untold: number;
  /** Parts of which the log tells of other rows than landed: events were left out, or it is another log. */
  readonly unsure: readonly string[];
}

/** What is to be named: the parts that differ, and the batches by which rows of them came. */
export interface Unnamed {
  readonly consumer: Consumer;
  readonly parts: readonly (Differing & { readonly hash: bigint })[];
  readonly partOf: (hour: string) => string;
  /** By topic, of one partition ascending and apart. */
  readonly ranges: ReadonlyMap<string, readonly OffsetRange[]>;
  /** Offsets of logs that were cut since. */
  readonly cut: NamedRows["gone"];
}

/** Holds what the table has of an id against what the log says went in. */
export class RowComparison {
  readonly #unnamed: Unnamed;
  readonly #hasGone: boolean;
  readonly #columns: readonly { readonly name: string; readonly isHashed: boolean }[];
  readonly #wentIn: (events: readonly ToldRow[]) => readonly ToldRow[];
  readonly #formsOf: ReturnType<typeof formsOf>;
  /** What the log says went in, by part. */
  readonly #sums = new Map<string, Sum>();
  readonly #rows: NamedRow[] = [];
  #differing = 0;
  #untold = 0;

  constructor(unnamed: Unnamed, hasGone: boolean) {
    const { landing } = unnamed.consumer;
    this.#unnamed = unnamed;
    this.#hasGone = hasGone;
    this.#columns = landingColumns(landing).map(({ name }) => ({
      name,
      isHashed: landing.repeats === "first" || !["revised_at", "published_at"].includes(name),
    }));
    this.#wentIn = wentInOf(landing);
    this.#formsOf = formsOf(landing);
  }

  /** Takes the sums of rows that are what the log says, by part. */
  addAlike(sums: ReadonlyMap<string, Sum>): void {
    for (const [part, sum] of sums) addTo(this.#sums, part, sum);
  }

  add(table: Map<string, PickedRow[]>, told: ReadonlyMap<string, readonly ToldRow[]>): void {
    for (const [id, events] of told) {
      const went = this.#wentIn(events);
      for (const { hour, hash } of went) addTo(this.#sums, this.#unnamed.partOf(hour), { rows: 1, hash });
      const here = table.get(id) ?? [];
      table.delete(id);
      const others = here.filter(({ hash }) => !went.some((row) => row.hash === hash));
      for (const row of went.filter(({ hash }) => !here.some((one) => one.hash === hash))) {
        const other = others.shift();
        if (other === undefined) this.#name("removed", row, row.place);
        else this.#name("changed", row, row.place, this.#differingIn(row, other));
      }
      for (const row of others) this.#name("added", row, null);
    }
    for (const rows of table.values()) {
      if (this.#hasGone) this.#untold += rows.length;
      else for (const row of rows) this.#name("added", row, null);
    }
  }

  #differingIn(told: PickedRow, here: PickedRow): string[] {
    const [there, own] = [this.#formsOf(told), this.#formsOf(here)];
    return this.#columns.filter(({ isHashed }, n) => isHashed && there[n] !== own[n]).map(({ name }) => name);
  }

  #name(kind: NamedRow["kind"], { id, hour }: PickedRow, place: string | null, columns: readonly string[] = []): void {
    this.#differing++;
    if (this.#rows.length < LISTED_MAX) this.#rows.push({ kind, id, hour, columns, place });
  }

  result(): Omit<NamedRows, "gone"> {
    const isAsLanded = ({ part, landed, hash }: Unnamed["parts"][number]) => {
      const sum = this.#sums.get(part) ?? { rows: 0, hash: 0n };
      return sum.rows === landed && sum.hash === hash;
    };
    const unsure = this.#unnamed.parts.filter((part) => !isAsLanded(part)).map(({ part }) => part);
    const rows = this.#rows.toSorted((a, b) => (a.hour < b.hour ? -1 : a.hour > b.hour ? 1 : a.id < b.id ? -1 : 1));
    return { differing: this.#differing, rows, untold: this.#untold, unsure };
  }
}

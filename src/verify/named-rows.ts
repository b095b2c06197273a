import { type Consumer, hasherOf } from "../batch/consumer.ts";
import { readRowsOfParts } from "../table/checks/rows-of-parts.ts";
import { formsOf, wentInOf } from "../table/checks/went-in.ts";
import type { Connection } from "../table/connection.ts";
import { landingColumns } from "../table/rows/landing-table.ts";
import { type PickedRow, RowPicker, type Wanted } from "../table/rows/row-picker.ts";
import { addTo, type Sum } from "../table/rows/row-sums.ts";
import type { OffsetRange } from "../topic/read-ranges.ts";
import { type Differing, LISTED_MAX } from "./claims.ts";
import type { EventLog, ToldRow } from "./event-log.ts";

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
}

/**
 * Names the rows of parts of time that aren't what the log says: it is read and encoded anew, and what went in then is held
 * against what is there now, by the hash of each row. Of more rows than fit at once the log is read several times.
 * @param onRead called now and then with how many offsets have been read, and of how many
 * @throws TradetapeError when the log can't be read
 */
export async function nameRows(
  connection: Connection,
  eventLog: EventLog,
  unnamed: Unnamed,
  onRead: (done: number, total: number) => void,
): Promise<NamedRows> {
  const { parts, ranges } = unnamed;
  const held = new Map<string, OffsetRange[]>();
  const gone: { partition: string; from: number; to: number }[] = [];
  for (const [topic, own] of ranges) {
    const found = await eventLog.held(topic, own);
    held.set(topic, found.held);
    gone.push(...found.gone.map(({ partition, from, to }) => ({ partition: `${topic}/${partition}`, from, to })));
  }
  const most = parts.reduce((sum, { rows, landed }) => sum + Math.max(rows, landed), 0);
  const slices = Math.max(1, Math.ceil(most / eventLog.rowsAtOnce));
  const total = slices * [...held.values()].flat().reduce((sum, { from, to }) => sum + to - from, 0);
  let read = 0;
  const comparison = new Comparison(unnamed, gone.length > 0);
  for (let slice = 0; slice < slices; slice++) {
    const wanted = comparison.wanted((bytes) => (bytes >>> 0) % slices === slice);
    const told = new Map<string, ToldRow[]>();
    for (const [topic, own] of held) {
      const asked = { consumer: unnamed.consumer, topic, ranges: own, wanted };
      const onRow = (row: ToldRow) => keep(told, row);
      await eventLog.read(connection, asked, onRow, (offsets) => {
        read += offsets;
        onRead(read, total);
      });
    }
    comparison.add(await tableRows(connection, unnamed, wanted), told);
  }
  return { ...comparison.result(), gone };
}

function keep<R extends PickedRow>(rows: Map<string, R[]>, row: R): void {
  const own = rows.get(row.id);
  if (own === undefined) rows.set(row.id, [row]);
  else own.push(row);
}

async function tableRows(
  connection: Connection,
  { consumer, parts }: Unnamed,
  wanted: Wanted,
): Promise<Map<string, PickedRow[]>> {
  const rows = new Map<string, PickedRow[]>();
  const { landing, time } = consumer;
  const picker = new RowPicker(landing, hasherOf(consumer)!, wanted);
  const names = parts.map(({ part }) => part);
  await readRowsOfParts(connection, landing, time!, names, (view, start) =>
    picker.pick(view, start, (row) => keep(rows, row)),
  );
  return rows;
}

/** Holds what the table has of an id against what the log says went in. */
class Comparison {
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

  wanted(isId: Wanted["isId"]): Wanted {
    const { parts, partOf } = this.#unnamed;
    const names = new Set(parts.map(({ part }) => part));
    return { isId, isHour: (hour) => names.has(partOf(hour)) };
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

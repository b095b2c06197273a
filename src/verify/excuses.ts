import type { ComparedTable } from "../table/checks/compared-table.ts";
import { knownIds } from "../table/checks/digest.ts";
import { type TimingLetter, timingLetters } from "../table/checks/landed-places.ts";
import { both, type DifferencePage, type Pair, type RowDifference } from "./difference.ts";

/**
 * Why two databases that landed the same records may differ.
 * `became_row`: one of them gave an event up (missing_parent, unknown_session, log_cut), which found its parent in the other.
 * `same_id`: an id was published in two partitions, and not the same one of the two came first. `deleted_session`: one has a
 * letter of a session that was deleted afterwards, and the other filtered the event, as it landed it after the deletion.
 * `cut_log`: one landed it from a log that was cut since, and the ledger of its rewind counts it.
 */
export type Excuse = "became_row" | "same_id" | "deleted_session" | "cut_log";

type Side = "here" | "there";

const GAVE_UP = new Set(["missing_parent", "unknown_session", "log_cut"]);

/** Letters that only one database has and whose reason depends on timing, by the id of the event in them. */
export class Excuses {
  readonly #reasons = new Map<string, Record<Side, Set<string>>>();
  /** How many rows more of a table a database may have than the other, of those that it landed from logs that were cut. */
  readonly #ofCutLogs = new Map<string, Record<Side, number>>();

  /** Notes how many rows of a table a database landed from logs that were cut since. */
  noteCutLog(table: string, side: Side, rows: number): void {
    const left = this.#ofCutLogs.get(table) ?? { here: 0, there: 0 };
    left[side] += rows;
    this.#ofCutLogs.set(table, left);
  }

  /** Whether a row that only this side has may be one of them; each is given once. */
  #takeOfCutLog(table: string, side: Side): boolean {
    const left = this.#ofCutLogs.get(table);
    return left !== undefined && left[side]-- > 0;
  }

  /** Notes the letters of a page that one database has and the other hasn't. */
  async note(pair: Pair, page: DifferencePage): Promise<readonly (TimingLetter & { side: Side })[]> {
    const only = (side: Side) => page.rows.filter((row) => row[other(side)] === undefined).map(({ id }) => id);
    const [here, there] = await Promise.all([
      timingLetters(pair.here, only("here")),
      timingLetters(pair.there, only("there")),
    ]);
    const noted = [
      ...here.map((letter) => ({ ...letter, side: "here" as const })),
      ...there.map((letter) => ({ ...letter, side: "there" as const })),
    ];
    for (const { eventId, side, reason } of noted) {
      if (eventId === null) continue;
      const sides = this.#reasons.get(eventId) ?? { here: new Set<string>(), there: new Set<string>() };
      sides[side].add(reason);
      this.#reasons.set(eventId, sides);
    }
    return noted;
  }

  gaveUp(eventId: string, side: Side): boolean {
    return [...(this.#reasons.get(eventId)?.[side] ?? [])].some((reason) => GAVE_UP.has(reason));
  }

  /** Whether each database has a row of this id and a letter of the event that is the other's row. */
  crossed(eventId: string): boolean {
    const sides = this.#reasons.get(eventId);
    return [sides?.here, sides?.there].every((reasons) => reasons?.has("conflicting_duplicate"));
  }

  /**
   * The excuse for one row, if it has one.
   * @param changed the columns that differ, when both have the row
   */
  ofRow(table: ComparedTable, row: RowDifference, changed: readonly string[]): Excuse | undefined {
    if (this.crossed(row.id)) return "same_id";
    if (row.here === undefined || row.there === undefined) {
      if (this.gaveUp(row.id, row.here === undefined ? "here" : "there")) return "became_row";
      return this.#takeOfCutLog(table.name, row.here === undefined ? "there" : "here") ? "cut_log" : undefined;
    }
    if (changed.some((column) => table.content.has(column))) return undefined;
    if (this.gaveUp(row.id, "here") || this.gaveUp(row.id, "there")) return "became_row";
    if (changed.includes("source_partition")) return "same_id";
    // Its event came again, at another place of the log that came after.
    return this.#ofCutLogs.has(table.name) ? "cut_log" : undefined;
  }

  /** Which letters have an excuse: their event is a row in the other database, they crossed, or the session was deleted. */
  async ofLetters(
    pair: Pair,
    letters: readonly (TimingLetter & { side: Side })[],
    tableOf: (topic: string) => ComparedTable | undefined,
  ): Promise<ReadonlyMap<string, Excuse>> {
    const excused = new Map<string, Excuse>();
    for (const topic of new Set(letters.map((letter) => letter.topic))) {
      const table = tableOf(topic);
      const own = letters.filter((letter) => letter.topic === topic && letter.eventId !== null);
      for (const { id } of letters.filter((letter) => letter.topic === topic && letter.ofDeleted)) {
        excused.set(id, "deleted_session");
      }
      for (const { id } of letters.filter((letter) => letter.topic === topic && letter.ofCutLog)) {
        excused.set(id, "cut_log");
      }
      if (table === undefined) continue;
      const ids = own.map(({ eventId }) => eventId!);
      const [here, there] = await both(pair, (connection) => knownIds(connection, table, ids));
      for (const { id, eventId, reason, side } of own) {
        const isRow = (side === "here" ? there : here).has(eventId!);
        if (GAVE_UP.has(reason) && isRow) excused.set(id, "became_row");
        else if (reason === "conflicting_duplicate" && this.crossed(eventId!)) excused.set(id, "same_id");
      }
    }
    return excused;
  }
}

const other = (side: Side): Side => (side === "here" ? "there" : "here");

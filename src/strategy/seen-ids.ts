/** So many ids are remembered at least, and twice as many at most: about 200 kB. */
const KEPT = 1000;

/** What is remembered, as plain JSON values. */
export interface SavedIds {
  readonly times: readonly (readonly [id: string, us: number])[];
  /** Null where none was forgotten. */
  readonly forgottenUs: number | null;
}

/** Events by id, so that one which was published twice is acted on once: the latest ones by their own time. */
export class SeenIds {
  readonly #times: Map<string, number>;
  /** The latest time of those that were forgotten. */
  #forgottenUs: number | null;

  constructor({ times, forgottenUs }: SavedIds = { times: [], forgottenUs: null }) {
    this.#times = new Map(times);
    this.#forgottenUs = forgottenUs;
  }

  save(): SavedIds {
    return { times: [...this.#times], forgottenUs: this.#forgottenUs };
  }

  /**
   * Remembers an event.
   * @returns `unsure` for one of a time so long ago that it may be one of those that were forgotten
   */
  meet(id: string, us: number): "new" | "known" | "unsure" {
    if (this.#times.has(id)) return "known";
    if (this.#forgottenUs !== null && us <= this.#forgottenUs) return "unsure";
    this.#times.set(id, us);
    if (this.#times.size > 2 * KEPT) this.#forget();
    return "new";
  }

  #forget(): void {
    const byTime = [...this.#times].sort(([, a], [, b]) => a - b);
    const old = byTime.slice(0, -KEPT);
    for (const [id] of old) this.#times.delete(id);
    this.#forgottenUs = old.at(-1)![1];
  }
}

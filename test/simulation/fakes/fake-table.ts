/** A transaction: who waits for its end, and how to undo or finish what it did. */
export class Transaction {
  readonly session: { readonly lockTimeoutMs: number; readonly ended: Promise<never>; readonly name: string };
  readonly startedMs: number;
  isFailed = false;
  waitsFor: Transaction | undefined;
  readonly undo: (() => void)[] = [];
  readonly atCommit: (() => void)[] = [];
  readonly savepoints: { readonly name: string; readonly undo: number; readonly atCommit: number }[] = [];
  isEnded = false;
  readonly done: Promise<void>;
  #end!: () => void;

  constructor(session: Transaction["session"], startedMs: number) {
    this.session = session;
    this.startedMs = startedMs;
    this.done = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  end(): void {
    this.isEnded = true;
    this.#end();
  }

  rollbackTo(undo: number, atCommit: number): void {
    for (const step of this.undo.splice(undo).reverse()) step();
    this.atCommit.length = atCommit;
  }
}

/** PostgreSQL's error, as pg throws it. */
export function databaseError(code: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { code, severity: "ERROR", ...more });
}

/** Waits for another transaction's end, as every lock of PostgreSQL's does. */
export type WaitFor = (own: Transaction, other: Transaction) => Promise<void>;

interface Entry<V> {
  readonly value: V;
  insertedBy: Transaction | undefined;
  deletedBy: Transaction | undefined;
  /** What the row becomes when the one who "deletes" it commits: an UPDATE. */
  next?: V;
}

/** A table with a unique key, read committed: uncommitted rows hide from others, and who inserts the same key waits. */
export class FakeTable<V> {
  readonly name: string;
  readonly #rows = new Map<string, Entry<V>>();
  readonly #wait: WaitFor;

  constructor(name: string, wait: WaitFor) {
    this.name = name;
    this.#wait = wait;
  }

  /** What this transaction sees; without one, what is committed. In the order of insertion. */
  *visible(tx?: Transaction): Generator<V> {
    for (const row of this.#rows.values()) if (this.#isVisible(row, tx)) yield row.value;
  }

  get(key: string, tx?: Transaction): V | undefined {
    const row = this.#rows.get(key);
    return row !== undefined && this.#isVisible(row, tx) ? row.value : undefined;
  }

  get size(): number {
    return [...this.visible()].length;
  }

  /** @returns false when the key is there already; waits for others that are about to insert or delete it */
  async insert(tx: Transaction, key: string, value: V): Promise<boolean> {
    for (;;) {
      const found = this.#rows.get(key);
      if (found === undefined) break;
      const other = found.insertedBy ?? found.deletedBy;
      if (other !== undefined && other !== tx) await this.#wait(tx, other);
      else if (found.deletedBy === tx) break;
      else return false;
    }
    const before = this.#rows.get(key);
    const row: Entry<V> = { value, insertedBy: tx, deletedBy: undefined };
    this.#rows.set(key, row);
    tx.undo.push(() => {
      if (before) this.#rows.set(key, before);
      else this.#rows.delete(key);
    });
    tx.atCommit.push(() => {
      row.insertedBy = undefined;
    });
    return true;
  }

  /** Overwrites a row that is there and nobody else is changing: `insert` has waited for those. */
  replace(tx: Transaction, key: string, value: V): void {
    const row = this.#rows.get(key)!;
    row.deletedBy = tx;
    row.next = value;
    tx.undo.push(() => {
      row.deletedBy = undefined;
      delete row.next;
      this.#rows.set(key, row);
    });
    tx.atCommit.push(() => this.#rows.set(key, { value, insertedBy: undefined, deletedBy: undefined }));
  }

  /** @returns whether there was such a row; one that another deletes at this moment is waited for */
  async delete(tx: Transaction, key: string): Promise<boolean> {
    for (;;) {
      const row = this.#rows.get(key);
      if (row === undefined || !this.#isVisible(row, tx)) return false;
      if (row.deletedBy !== undefined) {
        await this.#wait(tx, row.deletedBy);
        continue;
      }
      row.deletedBy = tx;
      tx.undo.push(() => {
        row.deletedBy = undefined;
        this.#rows.set(key, row);
      });
      tx.atCommit.push(() => {
        if (this.#rows.get(key) === row) this.#rows.delete(key);
      });
      return true;
    }
  }

  #isVisible(row: Entry<V>, tx: Transaction | undefined): boolean {
    return (
      (row.insertedBy === undefined || row.insertedBy === tx) && (row.deletedBy === undefined || row.deletedBy !== tx)
    );
  }
}

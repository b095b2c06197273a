/**
 * The bound on what a group has fetched and not yet committed, in bytes. Whoever brings more waits; a batch that alone
 * is larger than the bound is let in when nothing else is there.
 */
export class Room {
  readonly #bytesMax: number;
  #bytes = 0;
  #waiters: (() => void)[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  has(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  free(bytes: number): void {
    this.#bytes -= bytes;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Resolves when something was freed. */
  freed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}

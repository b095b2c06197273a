/**
 * The bound on what a group has fetched and not yet committed, in bytes. Whoever brings more waits; a batch that alone
 * is larger than the bound is let in when nothing else is there.
 */
export class BufferSpace {
  readonly #bytesMax: number;
  #bytes = 0;
  /** One promise for all who wait: they ask again every second, for as long as an outage lasts. */
  #freed: PromiseWithResolvers<void> | undefined;

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
    this.#freed?.resolve();
    this.#freed = undefined;
  }

  /** Resolves when something was freed. */
  freed(): Promise<void> {
    this.#freed ??= Promise.withResolvers();
    return this.#freed.promise;
  }
}

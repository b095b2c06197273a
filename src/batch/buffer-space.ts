/**
 * How many bytes a group may hold of what it has fetched and not yet committed. `Intake` waits here before it takes a
 * batch in; a batch that is larger than the bound by itself is taken in when nothing else waits.
 */
export class BufferSpace {
  readonly #bytesMax: number;
  #bytes = 0;
  /** One promise for all calls of `freed`: those who wait ask again every second, for as long as an outage lasts. */
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

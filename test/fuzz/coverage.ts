import { Session } from "node:inspector";

/** Which part of the product's code an input reaches, as V8 counts it. */
const PRODUCT = /\/src\/(topic|event|batch|table|audit|stream)\//;

interface Taken {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

/** Coverage of this thread by blocks of code: what has run since the last look. */
export class Coverage {
  readonly #session = new Session();
  readonly #known = new Set<string>();
  readonly #all = new Set<string>();
  #isOpen = true;

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** The blocks that have run since the last look, and weren't known before. */
  take(): readonly string[] {
    const found: string[] = [];
    // Answers of this thread's own session come before `post` returns.
    this.#session.post("Profiler.takePreciseCoverage", (error, taken) => {
      if (error) throw error;
      for (const { url, functions } of (taken as unknown as Taken).result) {
        if (!PRODUCT.test(url)) continue;
        for (const { ranges } of functions)
          for (const { startOffset, endOffset, count } of ranges) {
            const block = `${url}:${startOffset}-${endOffset}`;
            this.#all.add(block);
            if (count > 0 && !this.#known.has(block)) found.push(block);
          }
      }
    });
    return found;
  }

  know(blocks: readonly string[]): void {
    for (const block of blocks) this.#known.add(block);
  }

  get reached(): number {
    return this.#known.size;
  }

  get all(): number {
    return this.#all.size;
  }

  /** Has the code run as fast again as it does unwatched. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }
}

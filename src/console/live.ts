import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { aborted, pause } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import { type Refused, refused } from "./guard.ts";

/** How old what a page shows may get. */
const LOOK_MS = 2000;

/** One event of the stream, as text: pages that show the same are sent the same. */
interface Piece {
  readonly event: "overview" | "acts";
  readonly data: string;
}

/**
 * What pages are shown as it goes on. There is one look for all that are open, and none while no page is.
 */
export class Live {
  readonly #look: () => Promise<unknown>;
  readonly #bug: (error: unknown) => void;
  readonly #over: AbortSignal;
  readonly #listeners = new Set<(piece: Piece) => void>();
  readonly #last = new Map<Piece["event"], Piece>();
  #looking: Promise<void> | undefined;

  /**
   * @param look what the overview shows
   * @param over ends all streams
   */
  constructor(look: () => Promise<unknown>, over: AbortSignal, bug: (error: unknown) => void) {
    this.#look = look;
    this.#over = over;
    this.#bug = bug;
  }

  tell(event: Piece["event"], value: unknown): void {
    const piece = { event, data: JSON.stringify(value) };
    this.#last.set(event, piece);
    for (const listener of this.#listeners) listener(piece);
  }

  /** Streams what there is, and then each change, until the page or the console is closed. */
  stream(c: Context): Response {
    return streamSSE(c, async (out) => {
      const waiting = new Map(this.#last);
      let wake = Promise.withResolvers<void>();
      const listener = (piece: Piece) => {
        // A page that reads slowly is sent the newest of each kind only.
        waiting.set(piece.event, piece);
        wake.resolve();
      };
      this.#listeners.add(listener);
      out.onAbort(() => wake.resolve());
      const over = () => out.aborted || out.closed || this.#over.aborted;
      void aborted(this.#over).then(() => wake.resolve());
      try {
        this.#begin();
        while (!over()) {
          const pieces = [...waiting.values()];
          waiting.clear();
          for (const piece of pieces) await out.writeSSE(piece);
          if (waiting.size === 0) await wake.promise;
          wake = Promise.withResolvers<void>();
        }
      } finally {
        this.#listeners.delete(listener);
      }
    });
  }

  #begin(): void {
    this.#looking ??= this.#lookOn().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookOn(): Promise<void> {
    while (this.#listeners.size > 0 && !this.#over.aborted) {
      this.tell("overview", await this.#seen());
      await pause(LOOK_MS, this.#over);
    }
  }

  async #seen(): Promise<unknown> {
    try {
      return await this.#look();
    } catch (error) {
      if (error instanceof TradetapeError) return failure(error);
      this.#bug(error);
      return refused("bug", String(error));
    }
  }

  /** Resolves when nothing is asked any more. */
  async close(): Promise<void> {
    await this.#looking;
  }
}

export const failure = ({ code, message, next }: TradetapeError): Refused => refused(code, message, next ?? null);

import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { aborted, type Clock, pause, SYSTEM_CLOCK } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import { type Refused, refused } from "./guard.ts";

/** Between two looks. One takes about 40 ms of a core, for some 120 requests to Kafka: by this it is below one percent. */
const LOOK_MS = 5000;

/** One event of the stream, as text: pages that show the same are sent the same. */
interface Piece {
  readonly event: "overview" | "acts";
  readonly data: string;
}

/** What is looked at. */
interface Looked {
  /** @throws TradetapeError where it can't be looked at now */
  look(): Promise<unknown>;
  /** No page is open: gives up what looking keeps open. */
  rest(): Promise<void>;
}

/**
 * What pages are shown as it goes on. There is one look for all that are open, and none while no page is.
 */
export class Live {
  readonly #looked: Looked;
  readonly #clock: Pick<Clock, "sleep">;
  readonly #bug: (error: unknown) => void;
  readonly #over: AbortSignal;
  readonly #listeners = new Set<(piece: Piece) => void>();
  readonly #last = new Map<Piece["event"], Piece>();
  #looking: Promise<void> | undefined;

  /**
   * @param looked what the overview shows
   * @param over ends all streams
   */
  constructor(
    looked: Looked,
    over: AbortSignal,
    bug: (error: unknown) => void,
    clock: Pick<Clock, "sleep"> = SYSTEM_CLOCK,
  ) {
    this.#looked = looked;
    this.#clock = clock;
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
    this.#looking ??= this.#lookOn()
      .catch(this.#bug)
      .finally(() => {
        this.#looking = undefined;
        // A page that was opened while the looking ended waits for the next look.
        if (this.#isWatched) this.#begin();
      });
  }

  get #isWatched(): boolean {
    return this.#listeners.size > 0 && !this.#over.aborted;
  }

  async #lookOn(): Promise<void> {
    while (this.#isWatched) {
      this.tell("overview", await this.#seen());
      await pause(LOOK_MS, this.#over, this.#clock);
    }
    await this.#looked.rest();
  }

  async #seen(): Promise<unknown> {
    try {
      return await this.#looked.look();
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

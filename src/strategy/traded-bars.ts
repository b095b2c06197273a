import { TradetapeError } from "../errors.ts";

/** Which bars a strategy trades by. */
export interface TradedBars {
  /** Their length, as in 1d. */
  readonly interval: string;
  /** Their source; null is the only one that there is of a symbol. */
  readonly source: string | null;
}

/** Whether an event is of the prices that were told: of any where none were, or where the event doesn't say. */
export const isOfSource = (source: string | null, named: string | null): boolean =>
  source === null || named === null || named === source;

/**
 * Prices of two sources may be adjusted and raw, or of two currencies: a position that was bought at one and sold at the
 * other has a return that nobody made.
 * @param what has the prices, as in "1d bars"
 * @throws TradetapeError input_invalid
 */
export function refuseTwoSources(symbolId: string, what: string, first: string, second: string): never {
  const message = `symbol ${symbolId} has ${what} of the source ${quoted(first)} and of ${quoted(second)}`;
  throw new TradetapeError("input_invalid", message, { next: "Say which are traded, by --source." });
}

/** @throws TradetapeError input_invalid */
export function refuseOwnAndLive(symbolId: string, interval: string, source: string): never {
  const bars = `${interval} bars of the source ${quoted(source)}`;
  throw new TradetapeError(
    "input_invalid",
    `symbol ${symbolId} has ${bars} that are the session's own, and live ones`,
    {
      next: "Publish the session's own bars under a source of their own, and say --source.",
    },
  );
}

const quoted = (source: string) => JSON.stringify(source);

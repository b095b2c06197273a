import { DAY_MS } from "../event/day.ts";

/** Who asked to stop, as abort signals for the command. */
interface Interrupt {
  /** Stop at a place from which the same command can go on. */
  readonly stop: AbortSignal;
  /** Give up what has not been committed. */
  readonly force: AbortSignal;
  /** Takes the handlers away again. */
  dispose(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * The first signal asks the command to stop in good order; the second one forces it. Nothing is lost by that: what
 * hasn't been committed is landed again.
 * @param onForce ends a command that doesn't watch `force`, or that takes too long over it
 */
export function watchSignals(say: (line: string) => void, onForce: () => void): Interrupt {
  const stop = new AbortController();
  const force = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (stop.signal.aborted) {
      say(`${name} again: ending at once.`);
      force.abort();
      onForce();
      return;
    }
    say(`${name}: stopping in good order; once more ends it at once.`);
    stop.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    stop: stop.signal,
    force: force.signal,
    dispose: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

/** Resolves when the signal comes; at once when it has come. A process that only waits for it stays alive. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    // Neither a listener nor a promise keeps Node running; a timer does.
    const alive = setInterval(() => {}, DAY_MS);
    const end = () => {
      clearInterval(alive);
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
  });
}

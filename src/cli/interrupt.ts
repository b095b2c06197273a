/** Who asked to stop, as an abort signal for the command. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Takes the handlers away again. */
  dispose(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * The first signal asks the command to stop at a place from which it can go on; the second one ends the process at
 * once. Nothing is lost by that: what hasn't been committed is landed again.
 */
export function watchSignals(say: (line: string) => void, forceExit: () => void): Interrupt {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      say(`${name} again: ending at once.`);
      forceExit();
      return;
    }
    say(`${name}: stopping in good order; once more ends it at once.`);
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

const A_DAY_MS = 86_400_000;

/** Resolves when the signal comes; at once when it has come. A process that only waits for it stays alive. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    // Neither a listener nor a promise keeps Node running; a timer does.
    const alive = setInterval(() => {}, A_DAY_MS);
    const end = () => {
      clearInterval(alive);
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
  });
}

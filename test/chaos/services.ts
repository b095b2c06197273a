import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServedConfig } from "../../src/cli/services.ts";
import { prepare } from "../../src/cli/stack/up.ts";
import { readConfig } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import { readState } from "../../src/stack/home.ts";
import { isRunning } from "../../src/stack/launch.ts";
import { type StackUrls, startStack, stopStack } from "../../src/stack/stack.ts";

export type ServiceName = "kafka" | "postgres" | "registry";

/** A stack of a run's own, whose programs can be ended one by one and come back on their ports with their data. */
export interface Services {
  readonly urls: StackUrls;
  /** Ends a program by this signal and resolves when it is gone. */
  end(name: ServiceName, signal: NodeJS.Signals): Promise<void>;
  /** Starts whatever doesn't run and resolves when all answer. */
  restore(): Promise<void>;
  stop(purge: boolean): Promise<void>;
}

const GONE_POLL_MS = 50;
/** A server whose last backends are still dying refuses to start for a moment. */
const RESTORE_TRIES = 10;
const RESTORE_AGAIN_MS = 500;

/** @param folder of the run; PostgreSQL's own user must be able to enter its parents */
export async function startServices(folder: string, say: (line: string) => void): Promise<Services> {
  chmodSync(folder, 0o711);
  const home = join(folder, "stack");
  mkdirSync(home);
  const options = { home, ports: "random", launcher: "processes", detached: false } as const;
  const { urls } = await startStack({ ...options, onProgress: say });
  const config = readConfig({ ...urls }, {}) as ServedConfig;
  await prepare({ progress: { line: say }, log: openLog({ logLevel: "error" }) }, config);
  return {
    urls,
    async end(name, signal) {
      const program = readState(home)?.programs.find((candidate) => candidate.name === name);
      if (program === undefined || !isRunning(program)) throw new Error(`${name} doesn't run, so it can't be ended`);
      process.kill(program.pid, signal);
      while (isRunning(program)) await sleep(GONE_POLL_MS);
    },
    async restore() {
      for (let tries = 1; ; tries++) {
        try {
          await startStack(options);
          return;
        } catch (error) {
          if (tries === RESTORE_TRIES) throw error;
          await sleep(RESTORE_AGAIN_MS);
        }
      }
    },
    stop: async (purge) => {
      await stopStack(home, { purge });
    },
  };
}

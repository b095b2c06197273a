import { pause } from "../clock.ts";
import type { Connection } from "../table/connection.ts";
import type { ConnectionSlot } from "../table/pool/slot.ts";
import {
  buildIndex,
  type IndexProgress,
  type IndexStatement,
  indexProgress,
} from "../table/upkeep/secondary-indexes.ts";

const LOOK_MS = 500;

/** Builds the indexes that loading went without, one by one until it is stopped, and reports PostgreSQL's progress. */
export async function buildIndexes(
  owner: Connection,
  questions: ConnectionSlot,
  indexes: readonly IndexStatement[],
  stop: AbortSignal,
  saw: (name: string, progress: IndexProgress) => void,
): Promise<void> {
  for (const index of indexes) {
    if (stop.aborted) return;
    const built = new AbortController();
    const watching = watch(questions, owner.pid, built.signal, (progress) => saw(index.name, progress));
    watching.catch(() => undefined);
    try {
      await buildIndex(owner, index);
    } finally {
      built.abort();
    }
    await watching;
  }
}

async function watch(
  questions: ConnectionSlot,
  pid: number,
  built: AbortSignal,
  saw: (progress: IndexProgress) => void,
): Promise<void> {
  while (!built.aborted) {
    await pause(LOOK_MS, built);
    if (built.aborted) return;
    const progress = await questions.use((connection) => indexProgress(connection, pid));
    if (progress) saw(progress);
  }
}

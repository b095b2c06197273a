import type { FetchedBatch } from "../fetch/fetched-batch.ts";
import type { MemberHandlers } from "../log-client.ts";

/**
 * Hands a fetched batch to its handler. kafkajs tells of a rebalance by an error of its heartbeat, and has to be thrown
 * that again. Any other error it would meet by fetching the same batch again, for ever and in silence: that one ends the
 * member.
 * @param fetched opens the batch, which is decompressed when its turn has come: those behind it wait as they were fetched
 * @returns the batch, if it was handled
 */
export async function deliver(
  fetched: () => Promise<FetchedBatch>,
  heartbeat: () => Promise<void>,
  isStale: () => boolean,
  handlers: MemberHandlers,
): Promise<FetchedBatch | undefined> {
  let beatError: unknown;
  const beat = () =>
    heartbeat().catch((error: unknown) => {
      beatError = error;
      throw error;
    });
  try {
    const batch = await fetched();
    await handlers.onBatch(batch, beat, isStale);
    return batch;
  } catch (error) {
    if (error === beatError) throw error;
    handlers.onCrash(error);
    return undefined;
  }
}

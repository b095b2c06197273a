import type { FetchedBatch } from "../fetch/fetched-batch.ts";
import type { MemberHandlers } from "../log-client.ts";

/**
 * Hands a fetched batch to its handler. kafkajs tells of a rebalance by an error of its heartbeat, and has to be thrown
 * that again. Any other error it would meet by fetching the same batch again, for ever and in silence: that one ends the
 * member.
 * @returns whether the batch was handled
 */
export async function deliver(
  fetched: () => FetchedBatch,
  heartbeat: () => Promise<void>,
  isStale: () => boolean,
  handlers: MemberHandlers,
): Promise<boolean> {
  let beatError: unknown;
  const beat = () =>
    heartbeat().catch((error: unknown) => {
      beatError = error;
      throw error;
    });
  try {
    await handlers.onBatch(fetched(), beat, isStale);
  } catch (error) {
    if (error === beatError) throw error;
    handlers.onCrash(error);
    return false;
  }
  return true;
}

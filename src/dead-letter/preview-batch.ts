import type { EncodedBatch } from "../batch/encode/encoded-batch.ts";
import type { SessionFate } from "../batch/encode/session-sieve.ts";
import { encodedAgain, inTransaction, landRows } from "../batch/land/land.ts";
import type { LandingPlan } from "../batch/land/landing-plan.ts";
import type { LetterDigest } from "../batch/land/letter-digest.ts";
import { withDays } from "../batch/land/with-days.ts";
import { ledgerOf } from "../batch/write/outcome.ts";
import type { Connection } from "../table/connection.ts";
import type { LedgerRow } from "../table/landing/ledger.ts";
import { sessionFacts } from "../table/landing/sessions.ts";

/**
 * What would become of a batch if it landed now: its rows go in as they would, partitions of new days too, and the
 * transaction is rolled back. The partition isn't locked, because nothing is taken from whoever lands it meanwhile.
 * @param digest is given the letters
 * @returns the ledger row that it would have
 */
export async function previewBatch(
  connection: Connection,
  plan: LandingPlan,
  batch: EncodedBatch,
  digest: LetterDigest,
): Promise<LedgerRow> {
  const inside = { use: <R>(work: (connection: Connection) => Promise<R>) => work(connection) };
  const { ledger, kept, letters } = await inTransaction(connection, async () => {
    const dayed = await withDays(plan, inside, batch);
    const fates = await fatesOf(connection, plan, dayed.sessions);
    const kept = fates.size === 0 ? dayed : encodedAgain(plan, dayed, fates);
    const { outcome } = await landRows(connection, plan, kept, false);
    const letters = [...kept.letters, ...outcome.letters];
    return { kind: "previewed", ledger: ledgerOf("batch", kept, outcome), kept, letters };
  });
  // The days were rolled back with all else.
  plan.encoder.days.forget();
  digest.add(kept, letters);
  return ledger;
}

/** The fates of sessions as things stand: one that hasn't landed isn't waited for, as `SessionGate` does. */
async function fatesOf(
  connection: Connection,
  { sessionGate }: LandingPlan,
  sessions: readonly string[],
): Promise<ReadonlyMap<string, SessionFate>> {
  const fates = new Map<string, SessionFate>();
  if (sessions.length === 0) return fates;
  const landed = await sessionFacts(connection, sessions);
  for (const id of sessions) if (!landed.has(id)) fates.set(id, "unknown");
  for (const id of await sessionGate.unserved(connection, sessions)) fates.set(id, "filtered");
  return fates;
}

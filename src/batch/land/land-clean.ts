import type { Connection } from "../../table/connection.ts";
import { lockPartitions } from "../../table/landing/landed.ts";
import { advanceWhereNext } from "../../table/landing/ledger.ts";
import { insertOutbox } from "../../table/landing/outbox.ts";
import { refuseSwallowed } from "../../table/landing/swallowed.ts";
import { faultKindOf, isDatabaseFault } from "../../table/sqlstate.ts";
import type { EncodedBatch } from "../encode/encoded-batch.ts";
import { ledgerOf, NOTHING_LANDED, type Outcome, sumsDetail } from "../write/outcome.ts";
import { sumRows } from "../write/sum-rows.ts";
import { inTransaction, type Landed } from "./land.ts";
import type { LandingPlan } from "./landing-plan.ts";
import { landmarkOf } from "./landmark.ts";
import { outboxMessages } from "./outbox-messages.ts";

/**
 * The bytes of rows that all batches of one shared transaction may have together. They are few because they are sent for
 * nothing when one batch turns out not to be clean, and because a batch of this size gains nothing by company: its rows cost
 * more than its transaction.
 */
export const CLEAN_BYTES_MAX = 256 * 1024;

/** Whether a batch may share a transaction: it is small, has no letter, and no event of it needs a look at the database. */
export function looksClean(plan: LandingPlan, { rows, letters, sessions }: EncodedBatch): boolean {
  const isDirect = plan.direct !== undefined;
  return isDirect && rows.bytes.length <= CLEAN_BYTES_MAX && letters.length === 0 && sessions.length === 0;
}

type Attempt = { readonly kind: "landed"; readonly landings: readonly Landed[] } | { readonly kind: "apart" };

/**
 * Lands batches of several partitions in one transaction of two messages: all statements, on the guess that none will fail,
 * and COMMIT. A live topic brings each partition some ten events at a time, and a transaction's statements and round
 * trips cost more than such rows.
 * @param batches each `looksClean`
 * @param onCommit called with all landings just before COMMIT is sent
 * @returns a landing for each; "apart" when one of them isn't clean, or not the next of its partition: then nothing of any
 * of them has happened, and `landBatch` is to land each by itself
 */
export async function landClean(
  connection: Connection,
  plan: LandingPlan,
  batches: readonly EncodedBatch[],
  onCommit: (landings: readonly Landed[]) => void,
): Promise<readonly Landed[] | "apart"> {
  const attempt = await inTransaction<Attempt>(
    connection,
    () => attemptAll(connection, plan, batches),
    ({ landings }) => onCommit(landings),
  );
  if (attempt.kind === "apart") return "apart";
  for (const { ledger } of attempt.landings) plan.breaker.note({ records: ledger.read, parked: 0, bad: [] });
  return attempt.landings;
}

async function attemptAll(
  connection: Connection,
  plan: LandingPlan,
  batches: readonly EncodedBatch[],
): Promise<Attempt> {
  const { topicName } = plan;
  const steps = batches.map((batch) => {
    const written = batch.rows.ends.length;
    const rowSums = plan.hasher && sumRows(plan.hasher, batch.rows, 0, written);
    const outcome: Outcome = { ...NOTHING_LANDED, written, rowSums };
    const ledger = ledgerOf("batch", batch, outcome);
    return { batch, ledger, detail: sumsDetail(outcome), owed: outboxMessages(plan, batch, outcome, [], ledger) };
  });
  const advances = steps.map(({ batch, ledger, detail }) => ({
    partition: batch.partition,
    ledger,
    detail,
    last: landmarkOf(batch, ledger),
    ...batch.origin,
  }));
  const partitions = batches.map(({ partition }) => partition);
  const rows = Buffer.concat(batches.map((batch) => batch.rows.bytes));
  try {
    const [, copied, , keys] = await connection.inOneTrip(() => [
      lockPartitions(connection, topicName, partitions),
      connection.copy(plan.direct!.statement, rows),
      insertOutbox(
        connection,
        topicName,
        steps.flatMap(({ owed }) => owed),
      ),
      advanceWhereNext(connection, topicName, advances),
    ]);
    if (keys.size < batches.length) return { kind: "apart" };
    const given = steps.reduce((sum, { ledger }) => sum + ledger.written, 0);
    refuseSwallowed(plan.direct!.relation, given - copied);
    const landings = steps.map(({ batch: { partition, nextOffset }, ledger }): Landed => {
      const ledgerKey = keys.get(partition)!;
      return { kind: "landed", nextOffset, ledger, ledgerKey, usedStage: false };
    });
    return { kind: "landed", landings };
  } catch (error) {
    const kind = isDatabaseFault(error) ? faultKindOf(error) : undefined;
    if (kind === "data" || kind === "unique") return { kind: "apart" };
    throw error;
  }
}

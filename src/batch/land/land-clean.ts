import type { Connection } from "../../table/connection.ts";
import { lockPartitions } from "../../table/landing/landed.ts";
import { advanceWhereNext } from "../../table/landing/ledger.ts";
import { insertOutbox } from "../../table/landing/outbox.ts";
import { hasStage, prepareStage } from "../../table/landing/stage.ts";
import { refuseSwallowed } from "../../table/landing/swallowed.ts";
import { faultKindOf, isDatabaseFault } from "../../table/sqlstate.ts";
import type { EncodedBatch } from "../encode/encoded-batch.ts";
import type { CopyTarget } from "../write/copy-isolated.ts";
import type { StagedCount } from "../write/insert-isolated.ts";
import { ledgerOf, NOTHING_LANDED, type Outcome, sumsDetail } from "../write/outcome.ts";
import { sumRows } from "../write/sum-rows.ts";
import { withOffsets } from "../write/with-offsets.ts";
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

/**
 * Whether a batch may share a transaction: it is small and has no letter, and its rows either need no look at the database or
 * are of a topic whose first events stay, of which one look says whether all go in as they are.
 */
export function looksClean({ direct, consumer }: LandingPlan, { rows, letters, sessions }: EncodedBatch): boolean {
  const { parents, repeats } = consumer.landing;
  const isSimple = direct !== undefined || (parents.length > 0 && repeats === "first");
  return isSimple && rows.bytes.length <= CLEAN_BYTES_MAX && letters.length === 0 && sessions.length === 0;
}

type Attempt = { readonly kind: "landed"; readonly landings: readonly Landed[] } | { readonly kind: "apart" };

/**
 * Lands batches of several partitions in one transaction of two messages: all statements, on the guess that none will fail
 * and every row goes in, and COMMIT. A live topic brings each partition some ten events at a time, and a transaction's
 * statements and round trips cost more than such rows.
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
  const { stage } = plan.staged;
  // Asked first, so that nothing is awaited, and all goes in one message, where the stage is there.
  if (plan.direct === undefined && !hasStage(connection, stage)) await prepareStage(connection, stage);
  const steps = batches.map((batch) => {
    const written = batch.rows.ends.length;
    const rowSums = plan.hasher && sumRows(plan.hasher, batch.rows, 0, written);
    const toAudit = plan.staged.wantOffsets ? Array.from(batch.rows.indexes) : [];
    const outcome: Outcome = { ...NOTHING_LANDED, written, rowSums, toAudit };
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
  try {
    const [, taken, , keys] = await connection.inOneTrip(() => [
      lockPartitions(connection, topicName, partitions),
      plan.direct ? copyAll(connection, plan.direct, batches) : stageAll(connection, plan, batches),
      insertOutbox(
        connection,
        topicName,
        steps.flatMap(({ owed }) => owed),
      ),
      advanceWhereNext(connection, topicName, advances),
    ]);
    if (taken === "apart" || keys.size < batches.length) return { kind: "apart" };
    const landings = steps.map(({ batch: { partition, nextOffset }, ledger }): Landed => {
      const ledgerKey = keys.get(partition)!;
      return { kind: "landed", nextOffset, ledger, ledgerKey, usedStage: false };
    });
    return { kind: "landed", landings };
  } catch (error) {
    const kind = isDatabaseFault(error) ? faultKindOf(error) : undefined;
    if (kind === "data" || kind === "unique" || kind === "foreign_key") return { kind: "apart" };
    throw error;
  }
}

const rowsOf = (batches: readonly EncodedBatch[]): number =>
  batches.reduce((sum, { rows }) => sum + rows.ends.length, 0);

async function copyAll(connection: Connection, direct: CopyTarget, batches: readonly EncodedBatch[]): Promise<"in"> {
  const copied = await connection.copy(direct.statement, Buffer.concat(batches.map(({ rows }) => rows.bytes)));
  refuseSwallowed(direct.relation, rowsOf(batches) - copied);
  return "in";
}

/**
 * Puts all rows in by way of the stage. Nothing is awaited between its statements: whether a row was to be left out is seen when
 * all have been sent, and then all of it is rolled back.
 */
async function stageAll(
  connection: Connection,
  { topicName, staged: { stage, sessionKinds } }: LandingPlan,
  batches: readonly EncodedBatch[],
): Promise<"in" | "apart"> {
  const rows = batches.map((batch) => withOffsets(batch, stage.columnCount, 0, batch.rows.ends.length).bytes);
  const [, misfits, over, counts] = await Promise.all([
    connection.copy(stage.copy, Buffer.concat(rows)),
    stage.misfits === undefined ? [] : connection.query(stage.misfits, [topicName, sessionKinds]),
    stage.totals === undefined ? [] : connection.query(stage.totals.sql, []),
    connection.query<StagedCount>(stage.insert, [false]),
  ]);
  const written = counts.find(({ outcome }) => outcome === "written")?.rows ?? 0;
  return misfits.length === 0 && over.length === 0 && written === rowsOf(batches) ? "in" : "apart";
}

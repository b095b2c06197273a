import { randomUUID } from "node:crypto";
import { hasherOf } from "../batch/consumer.ts";
import { recordRemovedBlocks } from "../operator/audit-entries.ts";
import type { Ops } from "../operator/ops.ts";
import { landedPlaces } from "../table/checks/landed-places.ts";
import { committed } from "../table/committed.ts";
import { lockPartition } from "../table/landing/landed.ts";
import { type LandingTable, tablesOf } from "../table/rows/landing-table.ts";
import type { RowHasher } from "../table/rows/row-hasher.ts";
import { deleteHashedBlocks, deleteSessionBlocks, listHeaps } from "../table/sessions/session-rows.ts";
import { removeFromLedger } from "../table/upkeep/removed.ts";
import { topicName } from "../topic/topics.ts";
import { filterParked, type ParkedOf } from "./filter-parked.ts";
import { SESSION_CONSUMERS } from "./tables.ts";

/** Aborting `stop` stops between two transactions; the same call goes on from there. */
interface RemoveOptions extends ParkedOf {
  readonly onRemoved?: (removed: RemovedRows) => void;
}

interface RemovedRows {
  readonly table: string;
  readonly rows: number;
}

interface SessionRemoval {
  readonly rows: readonly RemovedRows[];
  /** Parked events of the session that were filtered. */
  readonly parked: number;
}

/** One transaction looks at so much of a table: 32 MiB of blocks, some 200,000 ticks if all of them are the session's. */
const BLOCKS_PER_TRANSACTION = 4096;

/**
 * Takes a session's rows out of every table. Its row in `backtest_session` stays and must say `deleted`: that is what
 * filters its later events.
 *
 * | dies ...                            | then                                                                        |
 * |-------------------------------------|-----------------------------------------------------------------------------|
 * | before the event `deleted` is acked | nothing happened, or it lands all the same; the next call goes on           |
 * | before it has landed                | nothing is removed; it lands; the next call goes on                         |
 * | between two transactions            | table, ledger and audit trail agree on what is gone; the next call goes on  |
 * | within one                          | rows, ledger row and audit entry are one: all or nothing                    |
 */
export async function removeSession(ops: Ops, options: RemoveOptions): Promise<SessionRemoval> {
  const { connection } = ops;
  await passLandings(ops);
  const rows: RemovedRows[] = [];
  const removal = { actionId: randomUUID(), session: options.session };
  const places = SESSION_CONSUMERS.flatMap((consumer) =>
    tablesOf(consumer.landing).map((table) => ({ consumer, table })),
  );
  for (const { consumer, table } of places) {
    const { topic, landing } = consumer;
    const name = topicName(options.namespace, topic);
    const target = { ...removal, topic: name, table, landing, hasher: hasherOf(consumer) };
    let sum = 0;
    for (const { name, blocks } of await listHeaps(connection, table)) {
      for (let from = 0; from < blocks && !options.stop.aborted; from += BLOCKS_PER_TRANSACTION) {
        const gone = await removeBlocks(ops, target, name, from);
        if (gone > 0) options.onRemoved?.({ table, rows: gone });
        sum += gone;
      }
    }
    rows.push({ table, rows: sum });
  }
  return { rows, parked: options.stop.aborted ? 0 : await filterParked(ops, options) };
}

/**
 * Waits for every landing that may have begun before the session's end was to be seen: a landing takes its partition's
 * lock first and asks for the session's status behind it. Afterwards no row of the session can come.
 */
async function passLandings({ connection }: Ops): Promise<void> {
  for (const { topic, partition } of await landedPlaces(connection)) {
    await committed(connection, () => lockPartition(connection, topic, partition));
  }
}

interface Target {
  readonly actionId: string;
  readonly session: string;
  readonly topic: string;
  readonly table: string;
  readonly landing: LandingTable;
  /** Of a table whose rows the audit log tells of by their sums. */
  readonly hasher: RowHasher | undefined;
}

function removeBlocks(ops: Ops, target: Target, heap: string, fromBlock: number): Promise<number> {
  const { connection } = ops;
  const { actionId, session, topic, table, landing, hasher } = target;
  return committed(connection, async () => {
    const untilBlock = fromBlock + BLOCKS_PER_TRANSACTION;
    // Blocks are read before the partition's lock is taken, because that takes longer than a landing should wait.
    const blocks = { heap, fromBlock, untilBlock, session };
    const hashed = hasher && (await deleteHashedBlocks(connection, blocks, landing, hasher));
    const rows = hashed?.rows ?? (await deleteSessionBlocks(connection, blocks));
    if (rows === 0) return 0;
    const rowSums = hashed?.sums.text();
    const detail = { session, action_id: actionId, row_sums: rowSums };
    await removeFromLedger(connection, { topic, table, rows, detail });
    await recordRemovedBlocks(ops, { actionId, session, topic, table, heap, fromBlock, rows, rowSums });
    return rows;
  });
}

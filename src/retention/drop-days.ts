import { randomUUID } from "node:crypto";
import { recordDroppedDay } from "../operator/audit-entries.ts";
import type { Ops } from "../operator/ops.ts";
import { committed } from "../table/committed.ts";
import type { LandingTable } from "../table/rows/landing-table.ts";
import type { RowHasher } from "../table/rows/row-hasher.ts";
import { inTurn } from "../table/turn.ts";
import {
  countDay,
  type DayPartition,
  detachDay,
  dropDay,
  hashDay,
  hasRows,
  keptFrom,
  listDays,
  moveKeepFrom,
} from "../table/upkeep/day-partitions.ts";
import { removeFromLedger, requireLedger } from "../table/upkeep/removed.ts";

export interface DroppedDay {
  readonly day: string;
  /** Rows that were in it, exactly. */
  readonly rows: number;
}

interface DropOptions {
  readonly landing: LandingTable;
  /** Of a table whose rows the audit log tells of by their sums: it tells of those that are dropped in the same way. */
  readonly hasher: RowHasher | undefined;
  /** The first day that is kept, as 2024-03-05. */
  readonly before: string;
  /** The full name of the table's topic, whose ledger takes note and whose group tells the audit trail. */
  readonly topic: string;
  /** Aborting stops between two days; the same call goes on from there. */
  readonly stop: AbortSignal;
  readonly onDropped?: (dropped: DroppedDay) => void;
}

/**
 * Drops the days of a table before one, oldest first, and keeps them from coming back.
 *
 * | dies ...                      | then                                                                              |
 * |-------------------------------|-----------------------------------------------------------------------------------|
 * | before keep_from has moved    | nothing happened                                                                  |
 * | behind it                     | events of these days are filtered; the next call drops them                       |
 * | in DETACH CONCURRENTLY        | the day is `detaching` and no longer read; the next call finishes it              |
 * | between DETACH and DROP       | its rows are out of the table, `verify` says so; the next call counts and drops   |
 * | in the last transaction       | count, ledger row, audit entry and DROP are one: all or nothing                   |
 * @throws TradetapeError input_invalid when rows lie there and this topic has never landed
 */
export const dropDays = (ops: Ops, options: DropOptions): Promise<readonly DroppedDay[]> =>
  inTurn(ops.databaseUrl, "removal_turn", () => dropInTurn(ops, options));

async function dropInTurn(ops: Ops, options: DropOptions): Promise<readonly DroppedDay[]> {
  const { connection } = ops;
  const { landing, hasher, topic } = options;
  const { table } = landing;
  await planDrop(ops, options);
  const by = `${ops.osUser} as ${ops.login}`;
  const keepFrom = await committed(connection, () => moveKeepFrom(connection, table, options.before, by));
  const action = { actionId: randomUUID(), keepFrom, topic, landing, hasher };
  const dropped: DroppedDay[] = [];
  for (const partition of (await listDays(connection, table)).filter(({ day }) => day < keepFrom)) {
    if (options.stop.aborted) break;
    await detachDay(connection, table, partition);
    const done = await dropDetached(ops, partition, action);
    options.onDropped?.(done);
    dropped.push(done);
  }
  return dropped;
}

/** Days that would be dropped, and the first one that would be kept. */
export interface PlannedDrop {
  readonly keepFrom: string;
  readonly days: readonly DayPartition[];
}

/**
 * What `dropDays` would drop. Looks at what may refuse it, before anything is changed, and changes nothing.
 * @throws TradetapeError input_invalid when rows lie there and this topic has never landed
 */
export async function planDrop(
  { connection }: Pick<Ops, "connection">,
  { landing, before, topic }: Pick<DropOptions, "landing" | "before" | "topic">,
): Promise<PlannedDrop> {
  const { table } = landing;
  const kept = await keptFrom(connection, table);
  const keepFrom = kept !== undefined && kept > before ? kept : before;
  const days = (await listDays(connection, table)).filter(({ day }) => day < keepFrom);
  for (const { day } of days) {
    if (!(await hasRows(connection, table, day))) continue;
    await requireLedger(connection, topic, table);
    break;
  }
  return { keepFrom, days };
}

interface DropAction {
  readonly actionId: string;
  readonly keepFrom: string;
  readonly topic: string;
  readonly landing: LandingTable;
  readonly hasher: RowHasher | undefined;
}

function dropDetached(ops: Ops, { day }: DayPartition, action: DropAction): Promise<DroppedDay> {
  const { connection } = ops;
  const { topic, landing, hasher, keepFrom, actionId } = action;
  const { table } = landing;
  return committed(connection, async () => {
    // Rows are read before the lock is taken, because millions take seconds, in which the partition lands on.
    const hashed = hasher && (await hashDay(connection, landing, day, hasher));
    const rows = hashed?.rows ?? (await countDay(connection, table, day));
    const rowSums = hashed?.sums.text();
    if (rows > 0) {
      const detail = { day, keep_from: keepFrom, action_id: actionId, row_sums: rowSums };
      await removeFromLedger(connection, { topic, table, rows, detail });
    }
    await recordDroppedDay(ops, { actionId, keepFrom, topic, table, day, rows, rowSums });
    await dropDay(connection, table, day);
    return { day, rows };
  });
}

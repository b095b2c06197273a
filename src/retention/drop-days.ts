import { randomUUID } from "node:crypto";
import { recordDroppedDay } from "../operator/audit-entries.ts";
import type { Ops } from "../operator/ops.ts";
import { committed } from "../table/committed.ts";
import { removeFromLedger } from "../table/upkeep/removed.ts";
import {
  countTickDay,
  detachTickDay,
  dropTickDay,
  listTickDays,
  lockTickDays,
  moveTickHorizon,
  type TickDay,
} from "../table/upkeep/tick-days.ts";

export interface DroppedDay {
  readonly day: string;
  /** Rows that were in it, exactly. */
  readonly rows: number;
}

export interface DropOptions {
  /** The first day that is kept, as 2024-03-05. */
  readonly before: string;
  /** The full name of the topic of the ticks, whose ledger takes note and whose group tells the audit trail. */
  readonly topic: string;
  /** Aborting stops between two days; the same call goes on from there. */
  readonly stop: AbortSignal;
  readonly onDropped?: (dropped: DroppedDay) => void;
}

const TABLE = "market_data_tick";

/**
 * Drops the days of ticks before one, oldest first, and keeps them from coming back.
 *
 * | dies ...                      | then                                                                              |
 * |-------------------------------|-----------------------------------------------------------------------------------|
 * | before the horizon has moved  | nothing happened                                                                  |
 * | behind it                     | events of these days are filtered; the next call drops them                       |
 * | in DETACH CONCURRENTLY        | the day is `detaching` and no longer read; the next call finishes it              |
 * | between DETACH and DROP       | its rows are out of the table, `verify` says so; the next call counts and drops   |
 * | in the last transaction       | count, ledger row, audit entry and DROP are one: all or nothing                   |
 * @throws TradetapeError input_invalid when rows lie there and this topic has never landed
 */
export async function dropTickDays(ops: Ops, options: DropOptions): Promise<readonly DroppedDay[]> {
  const { connection } = ops;
  await lockTickDays(connection);
  const by = `${ops.actor} as ${ops.databaseUser}`;
  const horizon = await committed(connection, () => moveTickHorizon(connection, options.before, by));
  const actionId = randomUUID();
  const dropped: DroppedDay[] = [];
  for (const day of (await listTickDays(connection)).filter((tickDay) => tickDay.day < horizon)) {
    if (options.stop.aborted) break;
    await detachTickDay(connection, day);
    const done = await dropDetached(ops, day, { actionId, horizon, topic: options.topic });
    options.onDropped?.(done);
    dropped.push(done);
  }
  return dropped;
}

interface DropAction {
  readonly actionId: string;
  readonly horizon: string;
  readonly topic: string;
}

function dropDetached(ops: Ops, { day }: TickDay, action: DropAction): Promise<DroppedDay> {
  const { connection } = ops;
  const { topic, horizon } = action;
  return committed(connection, async () => {
    // Counted before the lock is taken: millions of rows take seconds, in which the partition goes on landing.
    const rows = await countTickDay(connection, day);
    if (rows > 0) {
      const detail = { day, horizon, action_id: action.actionId };
      await removeFromLedger(connection, { topic, table: TABLE, rows, detail });
    }
    await recordDroppedDay(ops, { ...action, table: TABLE, day, rows });
    await dropTickDay(connection, day);
    return { day, rows };
  });
}

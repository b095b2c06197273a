import { Connection } from "./connection.ts";
import { isDatabaseFault } from "./sqlstate.ts";

/** What one session of the owner's at a time may do, by the table that it locks meanwhile (0039_turns.sql). */
type TurnOf = "replay_turn" | "removal_turn";

/** SQL; another one of its kind waits. What only reads the table, as a dump does, doesn't. */
const lockOf = (turn: TurnOf): string => `LOCK TABLE tradetape.${turn} IN SHARE ROW EXCLUSIVE MODE`;

/** A turn that outlasts transactions. */
interface Turn {
  /** Lets the next one have it. */
  end(): Promise<void>;
}

/** Waits for a turn that only the tables' owner can have, and has it while `work` runs. */
export async function inTurn<R>(databaseUrl: string, turn: TurnOf, work: () => Promise<R>): Promise<R> {
  const held = await hold(databaseUrl, turn, lockOf(turn));
  return work().finally(() => held.end());
}

/** @returns undefined when somebody else has it */
export async function takeTurnIfFree(databaseUrl: string, turn: TurnOf): Promise<Turn | undefined> {
  try {
    return await hold(databaseUrl, turn, `${lockOf(turn)} NOWAIT`);
  } catch (error) {
    if (isDatabaseFault(error) && error.code === LOCK_NOT_AVAILABLE) return undefined;
    throw error;
  }
}

/** A session of its own keeps a transaction open that does nothing but hold the lock. */
async function hold(databaseUrl: string, turn: TurnOf, lock: string): Promise<Turn> {
  const connection = await Connection.open(databaseUrl, { name: turn, role: "tradetape_owner" });
  try {
    await connection.query("BEGIN");
    await connection.query(lock);
    return { end: () => connection.close() };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

const LOCK_NOT_AVAILABLE = "55P03";

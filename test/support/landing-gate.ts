import pg from "pg";
import { expect } from "vitest";
import { assertTestDatabase } from "./services/isolation.ts";

/** No statement of ours locks this. */
const GATE = 20_240_305;

/** A database in which the next landing is held. */
export interface LandingGate {
  /** Resolves when a landing stands in front of it, with a transaction open and rows that nobody else sees. */
  holds(): Promise<void>;
  /** The landing that is held goes on, and so do all others. */
  open(): Promise<void>;
}

/**
 * Lets so many landings of a database through and holds the next one, before it can commit, until the gate is opened:
 * what a test does meanwhile happens in the middle of the landing, whoever is faster.
 */
export async function gateLandings(databaseUrl: string, letThrough: number): Promise<LandingGate> {
  await assertTestDatabase(databaseUrl);
  const keeper = new pg.Client({ connectionString: databaseUrl });
  await keeper.connect();
  await keeper.query("SELECT pg_advisory_lock($1)", [GATE]);
  const { rows } = await keeper.query<{ n: number }>("SELECT count(*)::int AS n FROM tradetape.landed_batch");
  await keeper.query(`
    CREATE OR REPLACE FUNCTION tradetape.gate_landing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      IF (SELECT count(*) FROM tradetape.landed_batch) >= ${rows[0]!.n + letThrough} THEN
        PERFORM pg_advisory_xact_lock_shared(${GATE});
      END IF;
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER gate_landing BEFORE INSERT ON tradetape.landed_batch
      FOR EACH ROW EXECUTE FUNCTION tradetape.gate_landing()`);
  const waiting = async () => {
    const found = await keeper.query(
      `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
       WHERE datname = current_database() AND locktype = 'advisory' AND objid = $1 AND NOT granted`,
      [GATE],
    );
    return found.rowCount;
  };
  return {
    holds: () => expect.poll(waiting).not.toBe(0),
    async open() {
      await keeper.query("SELECT pg_advisory_unlock($1)", [GATE]);
      await keeper.end();
    },
  };
}

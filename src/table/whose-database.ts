import { TradetapeError } from "../errors.ts";
import { committed } from "./committed.ts";
import type { Connection } from "./connection.ts";
import { serverOf } from "./database-url.ts";

/** What a database is that has another one's id: that one itself, brought back elsewhere, or a second one beside it. */
export type Whose = "restored" | "copy";

const HERE = `(SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
  (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database_oid`;

/**
 * Refuses a database that doesn't lie where its id was recorded, or under whose id another one was found to land: both would be
 * in the same consumer groups, and each would land a part of the partitions.
 * @param expectedId the id that the database has to have; without it any
 * @throws TradetapeError database_copied
 */
export async function requireOwnPlace(connection: Connection, databaseUrl: string, expectedId?: string): Promise<void> {
  const [found] = await connection.query<{ id: string; moved: boolean; hasTwin: boolean }>(
    `SELECT d.database_id AS id, d.twin_found_at IS NOT NULL AS "hasTwin",
       (d.system_identifier, d.database_oid) IS DISTINCT FROM (here.system_identifier, here.database_oid) AS moved
     FROM tradetape.database_id d, (SELECT ${HERE}) here`,
  );
  const { id, moved, hasTwin } = found!;
  if (moved) throw copied(`${serverOf(databaseUrl)} has the id ${id} of a database that lay elsewhere`);
  if (hasTwin) throw twin(databaseUrl, id);
  if (expectedId === undefined || id === expectedId) return;
  throw hasOtherId(databaseUrl, id, expectedId);
}

/** A process is in the groups of the id that its database had when it began: it ends once the database has another one. */
export function hasOtherId(databaseUrl: string, id: string, expectedId: string): TradetapeError {
  const message = `${serverOf(databaseUrl)} has the id ${id} now, and had ${expectedId} when this process began`;
  return new TradetapeError("database_copied", message, {
    next: "Start the command again: it goes on with the id that the database has.",
  });
}

/**
 * Records that another database lands under this one's id, so that nothing lands here until somebody has answered whose it
 * is. @returns the question
 */
export async function recordTwin(connection: Connection, databaseUrl: string): Promise<TradetapeError> {
  const [found] = await connection.query<{ id: string }>(
    `UPDATE tradetape.database_id SET twin_found_at = coalesce(twin_found_at, clock_timestamp())
     RETURNING database_id AS id`,
  );
  return twin(databaseUrl, found!.id);
}

const twin = (databaseUrl: string, id: string): TradetapeError =>
  copied(`${serverOf(databaseUrl)} has the id ${id}, under which another database lands, too`);

const copied = (message: string): TradetapeError =>
  new TradetapeError("database_copied", `${message}: is it that one, restored, or a copy of it?`, {
    next:
      "Run `tradetape migrate --as restored` if it takes the original's place and the original won't run again, or " +
      "`tradetape migrate --as copy` to give it an id and consumer groups of its own.",
  });

/** Records that this is where the database lies, and that its id is its own; a copy gets a new one. */
export async function settleWhose(connection: Connection, whose: Whose): Promise<void> {
  await committed(connection, async () => {
    await connection.query(connection.named("SET LOCAL ROLE tradetape_owner"));
    await connection.query(
      `UPDATE tradetape.database_id d SET system_identifier = here.system_identifier, database_oid = here.database_oid,
         settled_at = clock_timestamp(), twin_found_at = NULL
       FROM (SELECT ${HERE}) here`,
    );
    // Whoever has beaten here has to do so again before a start takes it for one that lands here.
    await connection.query("UPDATE tradetape.beat SET server_started_at = NULL");
    if (whose === "restored") return;
    await connection.query(
      `UPDATE tradetape.database_id SET former_ids = former_ids || database_id, database_id = gen_random_uuid(),
         created_at = clock_timestamp()`,
    );
  });
}

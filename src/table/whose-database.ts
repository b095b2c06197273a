import { TradetapeError } from "../errors.ts";
import { committed } from "./committed.ts";
import type { Connection } from "./connection.ts";
import { serverOf } from "./database-url.ts";

/** What a database is that has another one's id: that one itself, brought back elsewhere, or a second one beside it. */
export type Whose = "restored" | "copy";

const HERE = `(SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
  (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database_oid`;

/**
 * Refuses a database that doesn't lie where its id was recorded: should the other one still run, both would be in the same
 * consumer groups, and each would land a part of the partitions.
 * @param expectedId the id that the database has to have; without it any
 * @throws TradetapeError database_copied
 */
export async function requireOwnPlace(connection: Connection, databaseUrl: string, expectedId?: string): Promise<void> {
  const [found] = await connection.query<{ id: string; moved: boolean }>(
    `SELECT d.database_id AS id,
       (d.system_identifier, d.database_oid) IS DISTINCT FROM (here.system_identifier, here.database_oid) AS moved
     FROM tradetape.database_id d, (SELECT ${HERE}) here`,
  );
  const { id, moved } = found!;
  if (!moved && (expectedId === undefined || id === expectedId)) return;
  const what = moved
    ? `has the id ${id} of a database that lay elsewhere: is it that one, restored, or a copy of it?`
    : `has the id ${id} now, and had ${expectedId} when this process began`;
  throw new TradetapeError("database_copied", `${serverOf(databaseUrl)} ${what}`, {
    next: moved
      ? "Run `tradetape migrate --as restored` if it takes the original's place and the original won't run again, or " +
        "`tradetape migrate --as copy` to give it an id and consumer groups of its own."
      : "Start the command again: it goes on with the id that the database has.",
  });
}

/** Records that this is where the database lies, and gives a copy an id of its own. */
export async function settleWhose(connection: Connection, whose: Whose): Promise<void> {
  await committed(connection, async () => {
    await connection.query("SET LOCAL ROLE tradetape_owner");
    await connection.query(
      `UPDATE tradetape.database_id d SET system_identifier = here.system_identifier, database_oid = here.database_oid
       FROM (SELECT ${HERE}) here`,
    );
    if (whose === "restored") return;
    await connection.query(
      `UPDATE tradetape.database_id SET former_ids = former_ids || database_id, database_id = gen_random_uuid(),
         created_at = clock_timestamp()`,
    );
  });
}

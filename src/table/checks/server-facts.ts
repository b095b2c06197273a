import type { Connection } from "../connection.ts";

/** What a server says of itself. */
export interface ServerFacts {
  /** What version() answers. */
  readonly version: string;
  /** As 170002 of 17.2. */
  readonly versionNumber: number;
  readonly encoding: string;
  /** The names of settings that only other engines have. */
  readonly engineSettings: readonly string[];
  readonly bytes: number;
  /** Its clock, milliseconds since 1970. */
  readonly nowMs: number;
}

export async function serverFacts(connection: Connection): Promise<ServerFacts> {
  const [row] = await connection.query<ServerFacts & Record<string, unknown>>(
    `SELECT version() AS version, current_setting('server_version_num')::int AS "versionNumber",
       current_setting('server_encoding') AS encoding, pg_database_size(current_database()) AS bytes,
       ARRAY(SELECT name::text FROM pg_settings
         WHERE name LIKE 'yb\\_%' OR name LIKE 'rds\\_aurora.limitless%') AS "engineSettings",
       extract(epoch FROM clock_timestamp())::float8 * 1000 AS "nowMs"`,
  );
  return row!;
}

/** What a server has on its disk, as far as it tells: what is left there it doesn't. */
interface DiskFacts {
  readonly tablespace: string;
  /** Of all that is in the tablespace, other databases' too; null where this login may not see it. */
  readonly bytes: number | null;
  /** Replication slots that nobody reads, and what is kept of the server's log for each. */
  readonly heldBy: readonly { readonly slot: string; readonly bytes: number }[];
}

export async function diskFacts(connection: Connection): Promise<DiskFacts> {
  const [row] = await connection.query<DiskFacts & Record<string, unknown>>(
    `SELECT t.spcname AS tablespace, CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE')
         OR has_tablespace_privilege(t.oid, 'CREATE') OR t.oid = d.dattablespace THEN pg_tablespace_size(t.oid) END AS bytes,
       coalesce((SELECT jsonb_agg(jsonb_build_object('slot', slot_name, 'bytes', pg_wal_lsn_diff(here.lsn, restart_lsn))
           ORDER BY slot_name) FROM pg_replication_slots, (SELECT CASE WHEN pg_is_in_recovery()
             THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn) here
         WHERE NOT active AND restart_lsn IS NOT NULL), '[]') AS "heldBy"
     FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = current_database()`,
  );
  return row!;
}

/** What is another engine than PostgreSQL, and what of it landing can't rest on. */
const ENGINES: readonly {
  readonly name: string;
  readonly isIt: (facts: EngineFacts) => boolean;
  readonly lacks: string;
}[] = [
  {
    name: "CockroachDB",
    isIt: ({ version }) => /cockroach/i.test(version),
    lacks: "COPY into partitions, temporary tables and locks as landing uses them",
  },
  {
    name: "YugabyteDB",
    isIt: ({ version, engineSettings }) =>
      /-YB-/.test(version) || engineSettings.some((name) => name.startsWith("yb_")),
    lacks: "by its defaults READ COMMITTED and locks of tables",
  },
  {
    name: "Aurora Limitless",
    isIt: ({ engineSettings }) => engineSettings.some((name) => name.startsWith("rds_aurora.limitless")),
    lacks: "foreign keys, triggers and temporary tables across its shards",
  },
];

type EngineFacts = Pick<ServerFacts, "version" | "engineSettings">;

/** Which other engine a server is, and what it lacks; undefined for PostgreSQL. */
export const otherEngine = (facts: EngineFacts): { readonly name: string; readonly lacks: string } | undefined =>
  ENGINES.find(({ isIt }) => isIt(facts));

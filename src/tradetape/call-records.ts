import type { CallRecords } from "../agent/cassette.ts";
import { type Config, requireServices } from "../config.ts";
import type { Connection } from "../table/connection.ts";

/** Reads recorded calls from the database, in a session of its own each time: a replay asks seldom. */
export function callRecords(config: Config): CallRecords {
  const read = async <R>(ask: (connection: Connection) => Promise<R>): Promise<R> => {
    const { databaseUrl } = requireServices(config, "databaseUrl");
    // Loaded where it is asked for: a program that only publishes needn't load what reads a database.
    const { openMigrated } = await import("../table/migrate.ts");
    const connection = await openMigrated(databaseUrl, { name: "agent replay", role: "tradetape_reader" });
    try {
      return await ask(connection);
    } finally {
      await connection.close();
    }
  };
  const statements = () => import("../table/sessions/recorded-calls.ts");
  return {
    calls: async (session, actor) => {
      const { recordedCalls } = await statements();
      return read((connection) => recordedCalls(connection, session, actor));
    },
    join: async (session, pieces) => {
      const { joinContents } = await statements();
      return read((connection) => joinContents(connection, session, pieces));
    },
  };
}

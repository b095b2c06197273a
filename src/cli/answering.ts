import { type Config, requireServices } from "../config.ts";
import type { Log } from "../log.ts";
import type { Self } from "../metrics/served.ts";
import { Connection } from "../table/connection.ts";
import { openKafka } from "../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../topic/log-client.ts";

/**
 * Asks whether the services answer, each time by a connection of its own: those of the work may be busy for minutes, and say
 * nothing of whether a new one would be made.
 */
export function answering(config: Config, log: Log) {
  return {
    broker: () => withAdmin(openKafka(config, log), (admin) => admin.fetchCluster()),
    database: async () => {
      const { databaseUrl } = requireServices(config, "databaseUrl");
      const connection = await Connection.open(databaseUrl, { name: "ready" });
      await connection.close();
    },
  } satisfies Self["services"];
}

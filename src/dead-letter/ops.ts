import { userName } from "../audit/actor.ts";
import { type Config, requireServices } from "../config.ts";
import { openRegistry } from "../event/registry.ts";
import type { Log } from "../log.ts";
import { Connection, type ConnectionOptions } from "../table/connection.ts";
import { databaseId } from "../table/landing/landed.ts";
import { loginOf } from "../table/letters/letter-actions.ts";
import { requireMigrated } from "../table/migrate.ts";
import { openKafka } from "../topic/client.ts";
import { RawPublisher } from "../topic/publish/raw-publish.ts";
import { topicName } from "../topic/topics.ts";

/** What acting on a database needs: a session that may do no more than that, and how the audit trail is told. */
export interface Ops {
  readonly connection: Connection;
  readonly databaseId: string;
  readonly auditTopicName: string;
  readonly auditSchemaId: number;
  /** Who acts, as the audit trail names them: the user of this machine, and the one the database knows. */
  readonly actor: string;
  readonly databaseUser: string;
  close(): Promise<void>;
}

const LETTERS: ConnectionOptions = { name: "dead letters", role: "tradetape_ops" };

/**
 * @param as the session's name and role; acting on letters takes a role that can do no more than that
 * @throws TradetapeError config_invalid, database_unreachable, not_migrated, registry_unreachable
 */
export async function openOps(settings: Config, as: ConnectionOptions = LETTERS): Promise<Ops> {
  const config = requireServices(settings, "databaseUrl", "schemaRegistryUrl");
  const { databaseUrl, namespace } = config;
  const connection = await Connection.open(databaseUrl, as);
  try {
    await requireMigrated(connection, databaseUrl);
    const auditTopicName = topicName(namespace, "audit");
    return {
      connection,
      databaseId: await databaseId(connection),
      auditTopicName,
      auditSchemaId: await openRegistry(config.schemaRegistryUrl).register(auditTopicName, "audit"),
      actor: userName(),
      databaseUser: await loginOf(connection),
      close: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** @throws TradetapeError config_invalid, broker_unreachable */
export const openPublisher = (config: Config, log: Log): Promise<RawPublisher> =>
  RawPublisher.open(openKafka(config, log));

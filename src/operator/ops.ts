import { userName } from "../audit/actor.ts";
import { type Config, requireServices } from "../config.ts";
import { openRegistry } from "../event/registry.ts";
import type { Connection, ConnectionOptions } from "../table/connection.ts";
import { databaseId } from "../table/landing/landed.ts";
import { loginOf } from "../table/letters/letter-actions.ts";
import { openMigrated } from "../table/migrate.ts";
import { topicName } from "../topic/topics.ts";

/** What acting on a database needs: a session with no more rights than that, and what its audit entries are made of. */
export interface Ops {
  readonly connection: Connection;
  readonly databaseUrl: string;
  readonly databaseId: string;
  readonly auditTopicName: string;
  readonly auditSchemaId: number;
  /** Who acts, as the audit trail names them: the login to the database, whatever role it has switched to. */
  readonly login: string;
  /** The user of this machine, which stands beside it. */
  readonly osUser: string;
  close(): Promise<void>;
}

/**
 * @param as the session's name, and the role that can do what is meant and no more
 * @throws TradetapeError config_invalid, database_unreachable, not_migrated, registry_unreachable
 */
export async function openOps(settings: Config, as: ConnectionOptions): Promise<Ops> {
  const config = requireServices(settings, "databaseUrl", "schemaRegistryUrl");
  const { databaseUrl } = config;
  const connection = await openMigrated(databaseUrl, as);
  try {
    return await opsOn(connection, databaseUrl, await auditSchemaOf(config));
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Where audit entries go, and the registry's id of the schema that they are written with. */
type AuditSchema = Pick<Ops, "auditTopicName" | "auditSchemaId">;

export async function auditSchemaOf(settings: Config): Promise<AuditSchema> {
  const config = requireServices(settings, "schemaRegistryUrl");
  const auditTopicName = topicName(config.namespace, "audit");
  return { auditTopicName, auditSchemaId: await openRegistry(config).register(auditTopicName, "audit") };
}

/** The same in a session that is open, of whatever role. */
export const opsOn = async (connection: Connection, databaseUrl: string, schema: AuditSchema): Promise<Ops> => ({
  connection,
  databaseUrl,
  databaseId: await databaseId(connection),
  ...schema,
  login: await loginOf(connection),
  osUser: userName(),
  close: () => connection.close(),
});

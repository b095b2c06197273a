import { type Clock, SYSTEM_CLOCK } from "../../clock.ts";
import { type Config, requireServices } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import { Admission } from "../../event/admission.ts";
import { Subjects } from "../../event/http/subjects.ts";
import { openRegistry, type Registry } from "../../event/registry.ts";
import type { Log } from "../../log.ts";
import { openSigning, type SignEntry } from "../../signature/entry-signature.ts";
import { type KnownKeys, openKnownKeys } from "../../signature/known-keys.ts";
import { Connection, type ConnectionOptions, type OpenSession } from "../../table/connection.ts";
import { unreachable } from "../../table/database-url.ts";
import { databaseId } from "../../table/landing/landed.ts";
import { requireMigrated } from "../../table/migrate.ts";
import { type LandingSessions, openLandingSessions } from "../../table/pool/landing-sessions.ts";
import { ConnectionSlot, SameServer } from "../../table/pool/slot.ts";
import { isDatabaseFault } from "../../table/sqlstate.ts";
import { requireOwnPlace } from "../../table/whose-database.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import type { LogAdmin, LogClient } from "../../topic/log-client.ts";
import { RawPublisher } from "../../topic/publish/raw-publish.ts";
import { topicName } from "../../topic/topics.ts";
import { letHeapGrow } from "../heap.ts";
import { Landings } from "../kin/landings.ts";
import { watchLoop } from "../loop-watch.ts";
import type { LandingMeter } from "../meter.ts";
import { OwnBeats } from "./beat-note.ts";

/** What the groups of one process share: one Kafka client, one registry, one publisher for all outboxes. */
export interface LandingServices {
  readonly config: Config & { readonly databaseUrl: string };
  readonly log: Log;
  readonly clock: Clock;
  readonly client: LogClient;
  readonly admin: LogAdmin;
  readonly registry: Registry;
  readonly subjects: Pick<Subjects, "newest">;
  readonly publisher: RawPublisher;
  /** A session for questions, beside those that land. */
  readonly questions: ConnectionSlot;
  /** By which this process shows that it lands in this database. */
  readonly beats: OwnBeats;
  readonly sessions: LandingSessions;
  readonly landings: Landings;
  /** Aborted when the services close, for what still waits then. */
  readonly closing: AbortSignal;
  readonly databaseId: string;
  readonly clusterId: string;
  /** The registry's id of the schema that audit entries are written with. */
  readonly auditSchemaId: number;
  /** Signs what this process publishes to the audit topic. */
  readonly sign: SignEntry;
  /** By which entries of the audit topic may be signed; undefined where signatures aren't looked at. */
  readonly knownKeys: KnownKeys | undefined;
  /** Where landings are measured. */
  readonly meter?: LandingMeter | undefined;
  close(): Promise<void>;
}

/**
 * Opens everything that landing needs and checks before the first row that the database is migrated.
 * @throws TradetapeError config_invalid, database_unreachable, not_migrated, broker_unreachable, registry_refused,
 * registry_unreachable
 */
export async function openLandingServices(
  settings: Config,
  log: Log,
  how: Pick<ConnectionOptions, "commitsLate"> = {},
): Promise<LandingServices> {
  const config = requireServices(settings, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
  const { databaseUrl } = config;
  const keys = { sign: openSigning(config), knownKeys: openKnownKeys(config) };
  letHeapGrow();
  const server = new SameServer();
  const asking = { name: "questions", role: "tradetape_lander" } as const;
  const questions = new ConnectionSlot(databaseUrl, asking, Connection.open, server);
  const client = openKafka(config, log);
  let admin: LogAdmin | undefined;
  let publisher: RawPublisher | undefined;
  let sessions: LandingSessions | undefined;
  const closing = new AbortController();
  const endWatch = watchLoop(log, SYSTEM_CLOCK);
  const close = async () => {
    endWatch();
    closing.abort();
    await publisher?.close();
    await admin?.close();
    await sessions?.close();
    await questions.close();
  };
  try {
    const id = await questions.use(async (connection) => {
      await requireMigrated(connection, databaseUrl);
      return databaseId(connection);
    });
    sessions = openLandingSessions(config, openSessionOf(id, how), server);
    publisher = await RawPublisher.open(client);
    admin = await client.openAdmin();
    const { clusterId } = await admin.fetchCluster();
    const registry = openRegistry(config, new Admission(config, log));
    const auditSchemaId = await registry.register(topicName(config.namespace, "audit"), "audit");
    return {
      config,
      log,
      clock: SYSTEM_CLOCK,
      client,
      admin,
      registry,
      subjects: new Subjects(config),
      publisher,
      questions,
      beats: new OwnBeats(),
      sessions,
      landings: new Landings(),
      closing: closing.signal,
      databaseId: id,
      clusterId,
      auditSchemaId,
      ...keys,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Opens sessions of one database only: behind an address, another one may have taken its place.
 * @throws TradetapeError database_copied; database_unreachable, canRetry, also where the session ends while it is asked
 */
export const openSessionOf =
  (databaseId: string, how: Pick<ConnectionOptions, "commitsLate"> = {}): OpenSession =>
  async (databaseUrl, options) => {
    const connection = await Connection.open(databaseUrl, { ...options, ...how });
    if (options.role !== "tradetape_lander") return connection;
    try {
      await requireOwnPlace(connection, databaseUrl, databaseId);
      return connection;
    } catch (error) {
      const isSessions = !(error instanceof TradetapeError) && (!connection.isOpen || isDatabaseFault(error));
      connection.drop();
      throw isSessions ? unreachable(databaseUrl, error) : error;
    }
  };

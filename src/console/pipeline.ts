import { CONSUMERS } from "../../consumers/all.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { type PartitionRow, readDatabaseSide, readPartitions } from "../status/read-status.ts";
import { openKafka } from "../topic/kafkajs/open-kafka.ts";
import type { LogAdmin, LogClient } from "../topic/log-client.ts";
import { topicName } from "../topic/topics.ts";
import { Reader } from "./reader.ts";

/**
 * The pipeline as it is at one moment, from the database and from Kafka. Its sessions are kept from one look to the next,
 * because opening them costs more than a look does.
 */
export class Pipeline {
  readonly #reader: Reader;
  readonly #client: LogClient;
  readonly #topicNames: readonly string[];
  #admin: LogAdmin | undefined;

  constructor(config: Config, log: Log) {
    this.#reader = new Reader(config);
    this.#client = openKafka(config, log);
    this.#topicNames = CONSUMERS.map(({ topic }) => topicName(config.namespace, topic));
  }

  /** All partitions. @throws TradetapeError as `Reader.ask` and `readPartitions` do */
  async look(): Promise<{ readonly rows: readonly PartitionRow[] }> {
    // The database first: what lands between the two looks then shows as lag, never as more landed than there is.
    const known = await this.#reader.ask(readDatabaseSide);
    try {
      this.#admin ??= await this.#client.openAdmin();
      return { rows: await readPartitions(this.#admin, known, this.#topicNames) };
    } catch (error) {
      // A client that met a fault may stay with the cluster as it was: the next look begins with another one.
      await this.#leaveKafka();
      throw error;
    }
  }

  /** Gives up what is open. A later look opens it anew. */
  async rest(): Promise<void> {
    await this.#leaveKafka();
    await this.#reader.close();
  }

  async #leaveKafka(): Promise<void> {
    const admin = this.#admin;
    this.#admin = undefined;
    await admin?.close();
  }
}

import { type Config, requireServices } from "../config.ts";
import { encodeEvent } from "../event/codec.ts";
import { openRegistry } from "../event/registry.ts";
import type { Log } from "../log.ts";
import { openSigning } from "../signature/entry-signature.ts";
import { openKafka } from "../topic/kafkajs/open-kafka.ts";
import { RawPublisher } from "../topic/publish/raw-publish.ts";
import { topicName } from "../topic/topics.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { checkpointId } from "./log-id.ts";

/**
 * Publishes a checkpoint to the audit topic, from where it lands in the very log that it is of: whoever makes the log anew
 * has to forge the checkpoint in it as well, and hasn't the key.
 * @returns the topic, when every replica has it
 * @throws TradetapeError config_invalid, broker_unreachable, registry_unreachable, publish_refused, topic_missing
 */
export async function publishCheckpoint(
  settings: Config,
  log: Log,
  checkpoint: Checkpoint,
  actor: string,
): Promise<string> {
  const config = requireServices(settings, "kafkaBrokers", "schemaRegistryUrl");
  const name = topicName(config.namespace, "audit");
  const sign = openSigning(config);
  const schemaId = await openRegistry(config).register(name, "audit");
  const value = encodeEvent("audit", schemaId, {
    log_id: checkpointId(checkpoint.database_id, checkpoint.seq, checkpoint.signature),
    timestamp: Date.parse(checkpoint.made_at) * 1000,
    event_type: "CHECKPOINT",
    actor,
    payload: JSON.stringify(checkpoint),
    success: true,
  });
  const publisher = await RawPublisher.open(openKafka(config, log));
  try {
    await publisher.publish([{ topicName: name, partition: 0, key: null, value, headers: sign(name, value) }]);
  } finally {
    await publisher.close();
  }
  return name;
}

import { requireServices } from "../../config.ts";
import { endSkip, refuseOwnSchema, requireSkipped, requireWaiting, skipSchema } from "../../dead-letter/allow.ts";
import { findWaitingSchema } from "../../dead-letter/waiting.ts";
import { Subjects } from "../../event/http/subjects.ts";
import { openRegistry } from "../../event/registry.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { type Ops, openOps } from "../../operator/ops.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { CONSUMED_TOPICS, knownTopic, wrong } from "../flags.ts";
import { whoLands } from "../flow/group-text.ts";
import type { Bar } from "../progress.ts";
import { declareNote, type NoteFlags, noteOf } from "./note.ts";

interface SkipFlags extends NoteFlags {
  readonly everyWriter?: boolean;
  readonly end?: boolean;
  readonly yes?: boolean;
}

export const skipSchemaCommand: CommandSpec<SkipFlags> = {
  name: "skip-schema",
  summary: "let events of a schema become letters from now on where they can't land, however many; audited",
  examples: [
    'tradetape dead-letters skip-schema bars 17 --reason-text "a writer of theirs" --yes',
    'tradetape dead-letters skip-schema bars 17 --reason-text "mended" --end --yes    take it back',
    "tradetape dead-letters preview bars                 the schemas of what waits and can't land",
  ],
  declare: (command) => {
    command.argument("<topic>", `of ${CONSUMED_TOPICS.join(", ")}`);
    command.argument("<schema id>", "the registry's, of events that wait");
    declareNote(command);
    command.option("--every-writer", "also where it is the topic's own schema, by which all of its writers write");
    command.option("--end", "no longer");
    command.option("--yes", "do it");
  },
  run: async (session, [given = "", id = ""], flags) => {
    const { config, out, signal } = session;
    const note = noteOf(flags);
    const schemaId = idOf(id);
    const topic = knownTopic(config.namespace, given);
    const name = topicName(config.namespace, topic);
    const { end: ended = false, everyWriter = false } = flags;
    const dryRun = flags.yes !== true;
    const skip = { topic: name, schemaId, note };
    const ops = await openOps(config, { name: "skip schema", role: "tradetape_ops" });
    try {
      if (ended) await requireSkipped(ops, name, schemaId);
      else await requireFit(session, ops, { topic, name, schemaId, everyWriter });
      if (signal.aborted) return EXIT.interrupted;
      const act = () => (ended ? endSkip(ops, skip) : skipSchema(ops, skip, everyWriter));
      const changed = !dryRun && (await act());
      const then = dryRun ? "nothing was changed: --yes does it" : await whoLands(ops.connection, topic, name);
      const become = `${dryRun ? "would " : ""}${ended ? "count again" : "become letters without stopping the group"}`;
      out.result({ dryRun, topic: name, schemaId, ended, changed }, () => {
        const before = dryRun || changed ? "" : ", as they did before";
        return `events of schema ${schemaId} in ${name} that can't land ${become}${before}; ${then}`;
      });
      return EXIT.good;
    } finally {
      await ops.close();
    }
  },
};

interface Asked {
  readonly topic: EventTopic;
  readonly name: string;
  readonly schemaId: number;
  readonly everyWriter: boolean;
}

/** @throws TradetapeError input_invalid where it is the topic's own schema and nobody said so, or nothing that waits has it */
async function requireFit(session: Session, ops: Ops, { everyWriter, ...asked }: Asked): Promise<void> {
  const { config, log, progress, signal: stop } = session;
  const services = requireServices(config, "kafkaBrokers", "schemaRegistryUrl");
  const { fetchPartitionBytesMax, sessionTimeoutMs } = services;
  const { name, schemaId } = asked;
  const own = { registry: openRegistry(services), subjects: new Subjects(services) };
  if (!everyWriter) await refuseOwnSchema(own, asked);
  const client = openKafka(services, log);
  const offsets = await withAdmin(client, (admin) => admin.fetchOffsets(name));
  let bar: Bar | undefined;
  const onProgress = (seen: number, total: number) => {
    // What one fetch brings whole needs no bar.
    if (seen < total) bar ??= progress.bar(asked.topic, total, "events");
    bar?.set(seen, total);
  };
  try {
    const options = { fetchPartitionBytesMax, sessionTimeoutMs, stop, onProgress };
    const seen = await findWaitingSchema(client, ops.connection, { name, log: offsets, schemaId }, options);
    if (!stop.aborted) requireWaiting(name, schemaId, seen);
  } finally {
    bar?.end();
  }
}

/** @throws TradetapeError input_invalid */
function idOf(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text);
  throw wrong(text, "a schema's id, a whole number");
}

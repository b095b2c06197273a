import { requireServices } from "../../config.ts";
import { setAside, type WaitingRange, waitingRanges } from "../../dead-letter/allow.ts";
import { openOps } from "../../operator/ops.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { CONSUMED_TOPICS, knownTopic } from "../flags.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { declareNote, type NoteFlags, noteOf } from "./note.ts";

interface SetAsideFlags extends NoteFlags {
  readonly yes?: boolean;
}

export const setAsideCommand: CommandSpec<SetAsideFlags> = {
  name: "set-aside",
  summary:
    "let what waits of a topic become letters where it can't land, however much; audited; without --yes, say what waits",
  examples: [
    'tradetape dead-letters set-aside bars --reason-text "looked at" --yes',
    "tradetape dead-letters preview bars                 what would become of it",
  ],
  declare: (command) => {
    command.argument("<topic>", `of ${CONSUMED_TOPICS.join(", ")}`);
    declareNote(command);
    command.option("--yes", "do it");
  },
  run: async ({ config, log, out }, [given = ""], flags) => {
    const note = noteOf(flags);
    const name = topicName(config.namespace, knownTopic(config.namespace, given));
    const services = requireServices(config, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
    const offsets = await withAdmin(openKafka(services, log), (admin) => admin.fetchOffsets(name));
    const ranges = await asReader(config, "what waits", (connection) => waitingRanges(connection, name, offsets));
    const dryRun = flags.yes !== true;
    if (!dryRun && ranges.length > 0) {
      const ops = await openOps(config, { name: "set aside", role: "tradetape_ops" });
      await setAside(ops, name, ranges, note).finally(() => ops.close());
    }
    out.result({ dryRun, topic: name, ranges }, () => rangesText(ranges, dryRun));
    return EXIT.good;
  },
};

function rangesText(ranges: readonly WaitingRange[], dryRun: boolean): string {
  if (ranges.length === 0) return "nothing waits";
  const rows = ranges.map((r) => [r.partition, r.fromOffset, r.nextOffset - 1, r.nextOffset - r.fromOffset]);
  const offsets = ranges.reduce((sum, { fromOffset, nextOffset }) => sum + nextOffset - fromOffset, 0);
  const end = dryRun
    ? `of ${count(offsets)} offsets, what can't land would become letters; nothing was changed: --yes does it`
    : `of ${count(offsets)} offsets, what can't land becomes letters; the group tries again within a minute`;
  return `${table(["partition", "from", "to", "offsets"], rows)}\n${end}`;
}

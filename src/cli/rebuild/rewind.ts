import { requireServices } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import { openOps } from "../../operator/ops.ts";
import { type PlannedRewind, planRewinds } from "../../rewind/plan-rewinds.ts";
import { rewind } from "../../rewind/rewind.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { CONSUMED_TOPICS, knownTopic, wholeFlag, wrong } from "../flags.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";

interface RewindFlags {
  readonly partition?: string;
  readonly to?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

export const rewindCommand: CommandSpec<RewindFlags> = {
  name: "rewind",
  summary: "where a log isn't the one that landed (history_lost), go back to where it still is, audited",
  examples: [
    "tradetape rewind --dry-run                                       which partitions need it, and what it would mean",
    "tradetape rewind fills --reason 'unclean election of 3 March'     then `consume` lands what the log holds from there",
    "tradetape rewind ticks --partition 2 --to 1772 --reason 'mirror' on another cluster, behind the record that landed last",
  ],
  declare: (command) => {
    command.argument("[topic...]", `of ${CONSUMED_TOPICS.join(", ")}; all, where none is named`);
    command.option("--partition <number>", "this one only");
    command.option("--to <offset>", "where to go on, of one partition; by itself as high as is safe");
    command.option("--reason <text>", "why, for the audit log");
    command.option("--dry-run", "change nothing, say what would happen");
  },
  run: async ({ config: settings, out, log }, names, flags) => {
    const config = requireServices(settings, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
    const topics = names.length === 0 ? CONSUMED_TOPICS : names.map((name) => knownTopic(config.namespace, name));
    const partition = wholeFlag("--partition", flags.partition, 0);
    const to = wholeFlag("--to", flags.to, 0);
    if (to !== undefined && (partition === undefined || topics.length !== 1)) {
      throw wrong("--to", "an offset of one --partition of one topic");
    }
    const { dryRun = false, reason } = flags;
    if (!dryRun && !reason) throw wrong("rewind without --reason", "--reason WHY, or --dry-run to change nothing");
    const client = openKafka(config, log);
    const ops = await openOps(config, { name: "rewind", role: "tradetape_owner" });
    try {
      const plans = await withAdmin(client, async (admin) => {
        const { connection } = ops;
        const services = { connection, client, admin, config };
        const found: PlannedRewind[] = [];
        for (const topic of topics) {
          found.push(...(await planRewinds(services, topicName(config.namespace, topic), { partition, to })));
        }
        return found;
      });
      if (plans.length === 0 && !dryRun) throw nothingToDo(topics, partition);
      if (!dryRun) await rewind(ops, plans, { reason: reason!, namespace: config.namespace });
      out.result({ dryRun, partitions: plans.map(factsOf) }, () => plansText(plans, dryRun));
      return EXIT.good;
    } finally {
      await ops.close();
    }
  },
};

const nothingToDo = (topics: readonly string[], partition: number | undefined): TradetapeError => {
  const of = `${topics.join(", ")}${partition === undefined ? "" : `, partition ${partition}`}`;
  return new TradetapeError("input_invalid", `nothing to rewind: the log of ${of} is the one that landed`, {
    next:
      "`tradetape status` shows where each partition stands. The loss of what a log no longer holds is accepted by " +
      "`tradetape consume --accept-loss`, as its error names it.",
  });
};

const factsOf = ({ topic, partition, breach, landed, seen, commonEnd, to, rows, letters, parked }: PlannedRewind) => ({
  topic,
  partition,
  breach,
  landed: landed.nextOffset,
  log: { begins: seen.log.low, ends: seen.log.high },
  commonEnd,
  to,
  rows,
  letters,
  parked,
});

const BREACH_TEXT: Readonly<Record<PlannedRewind["breach"], string>> = {
  cluster: "another cluster",
  topic: "the topic was made again",
  cut: "the log was cut",
  record: "another record is where the last one landed",
};

function plansText(plans: readonly PlannedRewind[], dryRun: boolean): string {
  if (plans.length === 0) return "every log is the one that landed; nothing to rewind";
  const head = ["topic", "partition", "what happened", "landed to", "log", "goes back to"];
  const rows = plans.map((plan) => {
    const { topic, partition, breach, landed, seen, to } = plan;
    return [topic, partition, BREACH_TEXT[breach], landed.nextOffset, `${seen.log.low} to ${seen.log.high}`, to];
  });
  const left = [...head, "rows left", "letters left", "parked, now letters"];
  const all = rows.map((row, n) => [...row, plans[n]!.rows, plans[n]!.letters, plans[n]!.parked]);
  return [table(left, all), ...plans.flatMap(hintsOf), dryRun ? "nothing was changed" : NEXT].join("\n");
}

const NEXT =
  "`tradetape consume` lands what the logs hold from there; events that landed before are duplicates by their ids";

/** What a person should know of one partition. */
function hintsOf({ topic, partition, commonEnd, seen, to, parked }: PlannedRewind): string[] {
  const at = `${topic}/${partition}`;
  const { low } = seen.log;
  const hints: string[] = [];
  if (to < low)
    hints.push(`${at}: the log begins at ${low}: the next \`consume\` asks to accept the loss of ${to}..${low}`);
  if (commonEnd === null && low > 0) {
    hints.push(`${at}: nothing tells where the logs part: what the log held below ${low} may never have landed`);
  }
  if (parked > 0) {
    const again = "`tradetape dead-letters redrive --reason log_cut --yes` sends them again";
    hints.push(`${at}: ${count(parked)} parked events are in no log any more: ${again}`);
  }
  return hints;
}

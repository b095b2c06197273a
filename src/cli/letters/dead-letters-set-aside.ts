import { requireServices } from "../../config.ts";
import { endSetAside, setAside } from "../../dead-letter/allow.ts";
import { type WaitingRange, waitingRanges } from "../../dead-letter/waiting.ts";
import { TradetapeError } from "../../errors.ts";
import { type Ops, openOps } from "../../operator/ops.ts";
import { heldAllowances } from "../../table/letters/allowed-letters.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { CONSUMED_TOPICS, knownTopic } from "../flags.ts";
import { whoLands } from "../flow/group-text.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";
import { declareNote, type NoteFlags, noteOf } from "./note.ts";

interface SetAsideFlags extends NoteFlags {
  readonly end?: boolean;
  readonly yes?: boolean;
}

export const setAsideCommand: CommandSpec<SetAsideFlags> = {
  name: "set-aside",
  summary:
    "let what waits of a topic become letters where it can't land, however much; audited; without --yes, say what waits",
  examples: [
    'tradetape dead-letters set-aside bars --reason-text "looked at" --yes',
    'tradetape dead-letters set-aside bars --reason-text "mended" --end --yes    take back what has not landed yet',
    "tradetape dead-letters preview bars                 what would become of it",
  ],
  declare: (command) => {
    command.argument("<topic>", `of ${CONSUMED_TOPICS.join(", ")}`);
    declareNote(command);
    command.option("--end", "no longer");
    command.option("--yes", "do it");
  },
  run: async (session, [given = ""], flags) => {
    const { config, out } = session;
    const note = noteOf(flags);
    const topic = knownTopic(config.namespace, given);
    const name = topicName(config.namespace, topic);
    const ended = flags.end === true;
    const dryRun = flags.yes !== true;
    const ops = await openOps(config, { name: "set aside", role: "tradetape_ops" });
    try {
      const ranges = ended ? await heldRanges(ops, name) : await waits(session, ops, name);
      if (!dryRun && ended) await endSetAside(ops, name, note);
      else if (!dryRun && ranges.length > 0) await setAside(ops, name, ranges, note);
      const then = dryRun ? "nothing was changed: --yes does it" : await whoLands(ops.connection, topic, name);
      out.result({ dryRun, topic: name, ended, ranges }, () => rangesText(ranges, { dryRun, ended, then }));
      return EXIT.good;
    } finally {
      await ops.close();
    }
  },
};

async function waits({ config, log }: Session, { connection }: Ops, name: string): Promise<readonly WaitingRange[]> {
  const client = openKafka(requireServices(config, "kafkaBrokers"), log);
  const offsets = await withAdmin(client, (admin) => admin.fetchOffsets(name));
  return waitingRanges(connection, name, offsets);
}

/** @throws TradetapeError input_invalid where there are none */
async function heldRanges({ connection }: Ops, name: string): Promise<readonly WaitingRange[]> {
  const ranges = (await heldAllowances(connection)).flatMap((one): WaitingRange[] => {
    if (one.topic !== name || one.schemaId !== null) return [];
    const { partition, fromOffset, nextOffset } = one;
    return [{ partition, fromOffset, nextOffset }];
  });
  if (ranges.length > 0) return ranges;
  throw new TradetapeError("input_invalid", `nothing is set aside of ${name} that has not landed yet`, {
    next: "`tradetape status` shows what is.",
  });
}

interface Said {
  readonly dryRun: boolean;
  readonly ended: boolean;
  /** What comes next. */
  readonly then: string;
}

function rangesText(ranges: readonly WaitingRange[], { dryRun, ended, then }: Said): string {
  if (ranges.length === 0) return "nothing waits";
  const rows = ranges.map((r) => [r.partition, r.fromOffset, r.nextOffset - 1, r.nextOffset - r.fromOffset]);
  const offsets = ranges.reduce((sum, { fromOffset, nextOffset }) => sum + nextOffset - fromOffset, 0);
  const become = ended ? "is counted again" : "becomes letters";
  const would = ended ? "would be counted again" : "would become letters";
  const end = `of ${count(offsets)} offsets, what can't land ${dryRun ? would : become}; ${then}`;
  return `${table(["partition", "from", "to", "offsets"], rows)}\n${end}`;
}

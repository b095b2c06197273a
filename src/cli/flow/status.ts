import { CONSUMERS } from "../../../consumers/all.ts";
import { pause } from "../../clock.ts";
import { requireReading } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import { type PartitionRow, readDatabaseSide, readPartitions } from "../../status/read-status.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec, Session } from "../command.ts";
import { describeFailure, EXIT, type ExitCode, outageAsError } from "../exit.ts";
import { REDRAW, WATCH_EVERY_MS } from "../output.ts";
import { asReader } from "../services.ts";
import { statusText } from "./status-text.ts";

interface StatusOptions {
  readonly stalledAfter?: string;
  readonly watch?: boolean;
}

export const statusCommand: CommandSpec<StatusOptions> = {
  name: "status",
  summary: "what is wrong, how far and how late each partition's landing is, and until when",
  examples: [
    "tradetape status",
    "tradetape status --watch                again every 2 seconds, until Ctrl-C",
    "tradetape status --json | jq '[.[].lag] | add'",
    "tradetape status --stalled-after 60     a liveness probe: exit code 1 when a partition stands still",
  ],
  declare: (command) => {
    command.option(
      "--stalled-after <seconds>",
      "exit 1 when records that old have not landed and nothing has landed since",
    );
    command.option("--watch", "show it again every 2 seconds; with --json a document a line");
  },
  run: async (session, _args, options) => {
    const stalledAfterMs = stallLimit(options);
    if (options.watch) return watch(session, stalledAfterMs);
    const rows = await look(session, stalledAfterMs);
    session.out.result(rows, () => statusText(rows, session.config.namespace));
    return rows.some(({ cut, stalled }) => cut || stalled) ? EXIT.foundWrong : EXIT.good;
  },
};

/** Looks until it is told to stop. What a retry can help with is shown like what was seen, and it looks again. */
async function watch(session: Session, stalledAfterMs: number | undefined): Promise<ExitCode> {
  const { out, signal, config } = session;
  const head = process.stdout.isTTY ? REDRAW : "";
  while (!signal.aborted) {
    try {
      const rows = await look(session, stalledAfterMs);
      out.result(rows, () => `${head}${new Date().toISOString()}\n\n${statusText(rows, config.namespace)}\n\n`);
    } catch (thrown) {
      const error = outageAsError(thrown);
      if (!(error instanceof TradetapeError && error.canRetry)) throw error;
      process.stderr.write(describeFailure(error, out.json).text);
    }
    await pause(WATCH_EVERY_MS, signal);
  }
  return EXIT.good;
}

async function look({ config, log }: Session, stalledAfterMs: number | undefined): Promise<readonly PartitionRow[]> {
  requireReading(config, "kafkaBrokers");
  // The database first: what lands between the two looks then shows as lag, never as more landed than there is.
  const known = await asReader(config, "status", readDatabaseSide);
  const names = CONSUMERS.map(({ topic }) => topicName(config.namespace, topic));
  return withAdmin(openKafka(config, log), (admin) => readPartitions(admin, known, names, stalledAfterMs));
}

/** @throws TradetapeError input_invalid */
function stallLimit({ stalledAfter }: StatusOptions): number | undefined {
  if (stalledAfter === undefined) return undefined;
  const seconds = Number(stalledAfter);
  if (Number.isInteger(seconds) && seconds >= 1) return seconds * 1000;
  throw new TradetapeError("input_invalid", `--stalled-after takes whole seconds from 1, not ${stalledAfter}`);
}

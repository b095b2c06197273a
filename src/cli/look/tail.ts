import { Patience, retryIfItHelps } from "../../batch/patience.ts";
import { requireServices } from "../../config.ts";
import { Admission } from "../../event/admission.ts";
import { isUuid } from "../../event/field/checks.ts";
import { openRegistry } from "../../event/registry.ts";
import { openLog } from "../../log.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { type LogAdmin, withAdmin } from "../../topic/log-client.ts";
import { placesAt, type TopicPartition } from "../../topic/offsets.ts";
import { type LogReading, readNewest } from "../../topic/read-newest.ts";
import { readOnward } from "../../topic/read-onward.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { collect } from "../feed-flags.ts";
import { CONSUMED_TOPICS, knownTopic, wholeFlag, wrong } from "../flags.ts";
import { RecordViewer, type SeenRecord } from "./seen-record.ts";
import { readFrom } from "./tail-from.ts";
import { recordJson, recordText } from "./tail-text.ts";
import { readWhere } from "./tail-where.ts";

interface TailOptions {
  readonly follow?: boolean;
  readonly symbol?: string;
  readonly session?: string;
  readonly where?: readonly string[];
  readonly from?: string;
  readonly limit?: string;
}

const SHOWN = 20;
/** They are in memory at once where the newest come first. */
const SHOWN_MAX = 10_000;

export const tailCommand: CommandSpec<TailOptions> = {
  name: "tail",
  summary: "a topic's events, decoded: the newest first, or onward from a place; what can't be read says why",
  examples: [
    "tradetape tail ticks",
    "tradetape tail ticks --follow --symbol IBM@XNYS",
    "tradetape tail decisions --where status=REJECTED --limit 5 --json",
    "tradetape tail bars --from 15m          what came in the last 15 minutes, the oldest first",
    "tradetape tail ticks --from 2:4711 --limit 1",
  ],
  declare: (command) => {
    command.argument("<topic>", CONSUMED_TOPICS.join(", "));
    command.option("--follow", "what comes from now on, or from --from on, until it is stopped");
    command.option("--symbol <id or ticker[@exchange]>", "events of one instrument");
    command.option("--session <id>", "events of one session; live: those of none");
    command.option("--where <field=value>", "events with that in a field; null is nothing; may be repeated", collect);
    command.option(
      "--from <time or partition:offset>",
      "onward from there, the oldest first: ISO 8601, how long ago as 15m, or an offset",
    );
    command.option("--limit <n>", `so many events at most: ${SHOWN} unless --follow is given`);
  },
  run: async (session, [topicText = ""], options) => {
    const { config, progress } = session;
    const topic = knownTopic(config.namespace, topicText);
    const isWanted = readWhere(topic, options);
    const limit = wholeFlag("--limit", options.limit, 1) ?? (options.follow ? Number.POSITIVE_INFINITY : SHOWN);
    const isBackward = options.from === undefined && !options.follow;
    if (isBackward && limit > SHOWN_MAX) throw wrong(`--limit ${limit}`, `${SHOWN_MAX} or less, or any with --from`);
    const name = topicName(config.namespace, topic);
    const shown = { count: 0 };
    const show = (seen: SeenRecord) => {
      shown.count++;
      const columns = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
      session.out.result(recordJson(name, seen), () => recordText(topic, seen, columns));
    };
    const closed = new AbortController();
    process.stdout.once("error", () => closed.abort());
    const stop = AbortSignal.any([session.signal, closed.signal]);
    await withAdmin(openKafka(config, session.log), (admin) => {
      const reading = readingOf(session, { admin, topic, name, stop, isFollowing: options.follow === true, isWanted });
      const onGone = ({ partition }: TopicPartition, from: number, to: number) =>
        progress.line(`${name}/${partition}: offsets ${from} to ${to - 1} are gone from the log`);
      return showAll(reading, options, { admin, limit, show, onGone });
    }).catch((error: unknown) => {
      // Whoever ends it while it waits for a broker has what there was.
      if (!(stop.aborted && (error as Error).name === "AbortError")) throw error;
    });
    if (shown.count === 0 && !stop.aborted) progress.line(nothingText(name, options));
    return EXIT.good;
  },
};

interface Showing {
  readonly admin: LogAdmin;
  readonly limit: number;
  readonly show: (seen: SeenRecord) => void;
  readonly onGone: (at: TopicPartition, from: number, to: number) => void;
}

async function showAll(
  reading: LogReading<SeenRecord>,
  { follow, from }: TailOptions,
  { admin, limit, show, onGone }: Showing,
): Promise<void> {
  const { topicName: name, stop } = reading;
  const ends = await admin.fetchOffsets(name);
  const highs = new Map(ends.map(({ partition, high }) => [partition, high]));
  if (from === undefined && !follow) {
    for (const seen of await readNewest(reading, ends, limit)) show(seen);
    return;
  }
  const begin = from === undefined ? highs : await readFrom(from, admin, name, ends, Date.now());
  const options = { ends: placesAt(name, highs), isFollowing: follow === true, onGone };
  let left = limit;
  for await (const { seen: some } of readOnward(reading, placesAt(name, begin), options)) {
    for (const seen of some) {
      show(seen);
      left--;
      if (left === 0 || stop.aborted) return;
    }
  }
}

interface Asked {
  readonly admin: LogAdmin;
  readonly topic: Parameters<typeof readWhere>[0];
  readonly name: string;
  readonly stop: AbortSignal;
  readonly isFollowing: boolean;
  readonly isWanted: ReturnType<typeof readWhere>;
}

/** Who follows waits for a broker or a registry that is away, and says so; others are told, and end. */
function readingOf({ config, log: quiet }: Session, asked: Asked): LogReading<SeenRecord> {
  const { admin, topic, name, stop, isFollowing, isWanted } = asked;
  const log = isFollowing ? openLog(config) : quiet;
  const registry = openRegistry(requireServices(config, "schemaRegistryUrl"), new Admission(config, log));
  const viewer = new RecordViewer(topic, registry, config);
  const patience = new Patience(log, stop);
  const insist = <T>(attempt: () => Promise<T>): Promise<T> =>
    isFollowing ? patience.insist(name, attempt, retryIfItHelps) : attempt();
  return {
    log: {
      fetchRecords: (from, limits) => insist(() => admin.fetchRecords(from, limits)),
      fetchOffsets: (topicName) => insist(() => admin.fetchOffsets(topicName)),
    },
    topicName: name,
    partitionBytesMax: config.fetchPartitionBytesMax,
    stop,
    look: async (batch) => {
      const seen = await insist(() => viewer.look(batch));
      return isWanted === undefined ? seen : seen.filter(({ event }) => event !== null && isWanted(event));
    },
  };
}

function nothingText(name: string, { symbol, session, where, from }: TailOptions): string {
  const asked = [symbol, session, from, ...(where ?? [])].some((flag) => flag !== undefined);
  const isTicker = symbol !== undefined && !isUuid(symbol.toLowerCase()) && !symbol.includes("@");
  const ticker = isTicker ? "; of an instrument with an exchange, write TICKER@EXCHANGE" : "";
  return asked ? `${name} holds no such event${ticker}` : `${name} holds no event`;
}

import { CONSUMERS } from "../../../consumers/all.ts";
import { type Config, requireServices } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type HeardState, readStates } from "../../table/checks/group-states.ts";
import { type PartitionStatus, readStatus } from "../../table/checks/status.ts";
import type { Connection } from "../../table/connection.ts";
import { type HeldAllowance, heldAllowances } from "../../table/letters/allowed-letters.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { type Breach, breachOf, seeLogs } from "../../topic/log-history.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { table } from "../output.ts";
import { asReader } from "../services.ts";
import { allowedText } from "./allowed-text.ts";
import { endedText, type GroupWord, groupWord, troubleText } from "./group-text.ts";

/** One partition, from both sides: the database's and Kafka's. */
interface StatusRow {
  readonly topic: string;
  readonly partition: number;
  /** The worst that a process tells of the topic's group; where none tells any more, what the last one told. */
  readonly group: GroupWord;
  /** What each process tells of the topic's group. */
  readonly groups: readonly HeardState[];
  /** What of its events may become letters without stopping the group: of schemas, and of offsets that have not all landed. */
  readonly allowed: readonly HeldAllowance[];
  /** The next offset to land; null when no consumer has claimed the partition yet. */
  readonly landed: number | null;
  /** The offset the next event will get. */
  readonly end: number;
  /** Records that are in the log and haven't landed. */
  readonly lag: number;
  readonly letters: number;
  readonly parked: number;
  readonly outbox: number;
  readonly recordsPerSecond: number;
  readonly landedAt: string | null;
  /** Whether the log isn't the one that landed, as after an unclean election: nothing of it lands (`history_lost`). */
  readonly cut: boolean;
  /** How it isn't: cut, topic (made again) or cluster (another one); null where it is. */
  readonly breach: Breach | null;
  /** With --stalled-after: whether records that old have not landed, and nothing else of the partition has since. */
  readonly stalled?: boolean;
}

interface StatusOptions {
  readonly stalledAfter?: string;
}

export const statusCommand: CommandSpec<StatusOptions> = {
  name: "status",
  summary: "per partition: its group's state, landed, end, lag, letters, parked, outbox, rate",
  examples: [
    "tradetape status",
    "tradetape status --json | jq '[.[].lag] | add'",
    "tradetape status --stalled-after 60     a liveness probe: exit code 1 when a partition stands still",
  ],
  declare: (command) => {
    command.option(
      "--stalled-after <seconds>",
      "exit 1 when records that old have not landed and nothing has landed since",
    );
  },
  run: async (session, _args, options) => {
    const stalledAfterMs = stallLimit(options);
    const config = requireServices(session.config, "databaseUrl", "kafkaBrokers");
    // The database first: what lands between the two looks then shows as lag, never as more landed than there is.
    const known = await asReader(config, "status", knownOf);
    const rows = await kafkaSide(config, session.log, known, stalledAfterMs);
    session.out.result(rows, () => statusText(rows));
    return rows.some(({ cut, stalled }) => cut || stalled) ? EXIT.foundWrong : EXIT.good;
  },
};

interface DatabaseSide {
  readonly partitions: readonly PartitionStatus[];
  readonly groups: readonly HeardState[];
  readonly allowed: readonly HeldAllowance[];
}

async function knownOf(connection: Connection): Promise<DatabaseSide> {
  const partitions = await readStatus(connection);
  return { partitions, groups: await readStates(connection), allowed: await heldAllowances(connection) };
}

export const statusRows = async (config: Config, log: Log, connection: Connection): Promise<readonly StatusRow[]> =>
  kafkaSide(config, log, await knownOf(connection), undefined);

function kafkaSide(
  config: Config,
  log: Log,
  { partitions, groups: heard, allowed }: DatabaseSide,
  stalledAfterMs: number | undefined,
): Promise<StatusRow[]> {
  return withAdmin(openKafka(config, log), async (admin) => {
    const rows: StatusRow[] = [];
    for (const { topic } of CONSUMERS) {
      const name = topicName(config.namespace, topic);
      const groups = heard.filter((state) => state.topic === name);
      const group = groupWord(groups);
      const since = Date.now() - (stalledAfterMs ?? 0);
      const own = partitions.filter((status) => status.topic === name);
      const landed = new Map(own.map((status) => [status.partition, status]));
      const old = stalledAfterMs === undefined ? undefined : await admin.fetchOffsetsAt(name, since);
      for (const seen of await seeLogs(admin, name, landed)) {
        const { partition, low, high } = seen.log;
        const status = landed.get(partition);
        const breach = (status && breachOf(status, seen)) ?? null;
        rows.push({
          topic: name,
          partition,
          group,
          groups,
          allowed: allowed.filter((one) => isMeant(one, name, partition)),
          landed: status?.nextOffset ?? null,
          end: high,
          lag: Math.max(0, high - (status?.nextOffset ?? low)),
          letters: status?.letters ?? 0,
          parked: status?.parked ?? 0,
          outbox: status?.outbox ?? 0,
          recordsPerSecond: status?.recordsPerSecond ?? 0,
          landedAt: status?.landedAt ?? null,
          cut: breach !== null,
          breach,
          ...(old ? { stalled: isStalled(status, low, old.get(partition) ?? high, since) } : {}),
        });
      }
    }
    return rows;
  });
}

const isMeant = (allowed: HeldAllowance, name: string, partition: number): boolean =>
  allowed.topic === name && (allowed.schemaId !== null || allowed.partition === partition);

/** @throws TradetapeError input_invalid */
function stallLimit({ stalledAfter }: StatusOptions): number | undefined {
  if (stalledAfter === undefined) return undefined;
  const seconds = Number(stalledAfter);
  if (Number.isInteger(seconds) && seconds >= 1) return seconds * 1000;
  throw new TradetapeError("input_invalid", `--stalled-after takes whole seconds from 1, not ${stalledAfter}`);
}

/**
 * A process that is up may land nothing, and one without events has nothing to land: what counts is that records older
 * than the limit wait while nothing of their partition has landed since.
 */
function isStalled(status: PartitionStatus | undefined, low: number, offsetSince: number, sinceMs: number): boolean {
  const waits = (status?.nextOffset ?? low) < offsetSince;
  const landedAt = status?.landedAt ? Date.parse(status.landedAt) : 0;
  return waits && landedAt < sinceMs;
}

const BREACH_TEXT: Readonly<Record<Breach, string>> = {
  cut: "was cut below what has landed",
  topic: "is of a topic that was made again",
  cluster: "is another cluster's",
};

function logText({ breach, stalled }: StatusRow): string {
  if (breach !== null) return BREACH_TEXT[breach];
  return stalled ? "stalled" : "";
}

function statusText(rows: readonly StatusRow[]): string {
  const head = ["topic", "partition", "group", "landed", "end", "lag", "letters", "parked", "outbox", "records/s"];
  const partitions = table(
    [...head, "last landed", "log"],
    rows.map((r) => [
      r.topic,
      r.partition,
      r.group,
      r.landed,
      r.end,
      r.lag,
      r.letters,
      r.parked,
      r.outbox,
      r.recordsPerSecond,
      r.landedAt,
      logText(r),
    ]),
  );
  const groups = [...new Set(rows.flatMap((row) => row.groups))];
  const troubles = groups.filter(({ state }) => state === "stopped" || state === "waiting");
  const ended = new Set(rows.filter(({ group }) => group === "ended").flatMap((row) => row.groups));
  const allowed = [...new Set(rows.flatMap((row) => row.allowed))];
  const lines = [...endedText([...ended]), ...allowed.map(allowedText)];
  return [partitions, ...troubles.map(troubleText), ...(lines.length > 0 ? [lines.join("\n")] : [])].join("\n\n");
}

import { type Config, requireServices } from "../../config.ts";
import { count, TradetapeError } from "../../errors.ts";
import { EVENT_TOPICS } from "../../event/schemas.ts";
import type { Log } from "../../log.ts";
import { databaseIdOf, type LandedPlace, landedPlaces } from "../../table/checks/landed-places.ts";
import { checkTopics, type TopicReport } from "../../topic/check-topics.ts";
import { NO_BROKERS_TIME } from "../../topic/fetch/records.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { type LogAdmin, withAdmin } from "../../topic/log-client.ts";
import { asReader } from "../services.ts";
import { type Diagnosis, looked } from "./diagnosis.ts";
import { kafkaVersionFinding, rightsFindings } from "./doctor-kafka.ts";

const CREATE = "Run `tradetape topics --create`.";
const LIMITS = { waitMs: 1, partitionBytesMax: 1 };
const HOUR_MS = 3_600_000;

/** Looks at Kafka and its topics. */
export async function lookAtTopics(config: Config, log: Log): Promise<readonly Diagnosis[]> {
  if (config.kafkaBrokers === undefined) {
    return [{ about: "kafka", severity: "told", says: "KAFKA_BROKERS is not set, so it isn't looked at" }];
  }
  return looked("kafka", () =>
    withAdmin(openKafka(config, log), async (admin) => {
      const { clusterId, brokers } = await admin.fetchCluster();
      const says = `${requireServices(config, "kafkaBrokers").kafkaBrokers.join(", ")}: cluster ${clusterId}, ${brokers} brokers`;
      const reached: Diagnosis = { about: "kafka", severity: "told", says };
      const landed = config.databaseUrl === undefined ? undefined : await landedBy(config);
      const version = await looked("kafka", async () => [kafkaVersionFinding(await admin.fetchSpoken())]);
      const rights = await looked("rights", () => rightsFindings(admin, config, landed?.databaseId));
      const topics = await looked("topics", async () => {
        const reports = await checkTopics(admin, config);
        const there = reports.filter(({ state }) => state !== "missing");
        return [...reports.flatMap(reportFindings), ...(await logFindings(admin, there, landed?.places))];
      });
      return [reached, ...version, ...rights, ...topics];
    }),
  );
}

function reportFindings({ name, state, differences, lacks, risks, mend }: TopicReport): Diagnosis[] {
  const about = "topics";
  if (state === "missing") {
    return [
      {
        about,
        severity: "wrong",
        code: "topic_missing",
        says: `${name} is missing, or hidden from this user`,
        next: CREATE,
      },
    ];
  }
  return [
    ...differences.map(
      (difference): Diagnosis => ({
        about,
        severity: "wrong",
        code: "topic_misconfigured",
        says: `${name}: ${difference}`,
        next: mend ?? CREATE,
      }),
    ),
    ...lacks.map(
      (lack): Diagnosis => ({ about, severity: "doubtful", says: `${name}: ${lack}`, next: mend ?? CREATE }),
    ),
    ...risks.map((risk): Diagnosis => ({ about, severity: "doubtful", says: `${name}: ${risk}`, next: RISK })),
  ];
}

const RISK = "docs/kafka.md says what a cluster of several brokers has to have.";

/** What of the logs hasn't landed and is gone, or is going; whether this user may read them; and the brokers' clocks. */
async function logFindings(
  admin: LogAdmin,
  topics: readonly TopicReport[],
  landed: readonly LandedPlace[] | undefined,
): Promise<readonly Diagnosis[]> {
  const findings: Diagnosis[] = [];
  for (const report of topics) {
    if (!(EVENT_TOPICS as readonly string[]).includes(report.topic)) continue;
    findings.push(...(await looked("topics", () => logOf(admin, report, landed))));
  }
  return findings;
}

interface Landed {
  readonly databaseId: string;
  readonly places: readonly LandedPlace[];
}

/** Undefined where the database tells nothing: the look at it says why. */
async function landedBy(config: Config): Promise<Landed | undefined> {
  try {
    return await asReader(config, "doctor", async (connection) => ({
      databaseId: await databaseIdOf(connection),
      places: await landedPlaces(connection),
    }));
  } catch (error) {
    if (error instanceof TradetapeError) return undefined;
    throw error;
  }
}

async function logOf(
  admin: LogAdmin,
  { topic, name, retentionMs }: TopicReport,
  landed: readonly LandedPlace[] | undefined,
): Promise<Diagnosis[]> {
  const findings: Diagnosis[] = [];
  const ends = await admin.fetchOffsets(name);
  const skewed = await admin.fetchOffsetsAt(name, Date.now() + 2000);
  for (const { partition, low, high } of ends) {
    const next = landed?.find((place) => place.topic === name && place.partition === partition)?.nextOffset;
    if (next !== undefined && next < low) {
      findings.push({
        about: "retention",
        severity: "wrong",
        code: "history_lost",
        says: `${name}/${partition}: offsets ${next} to ${low - 1} are gone from the log and have not landed`,
        next:
          "Run `tradetape rewind --dry-run`; " +
          `\`tradetape consume --accept-loss ${topic}/${partition}:${next}..${low} --reason WHY\` goes on behind them.`,
      });
    }
    const from = Math.max(next ?? low, low);
    const [batch] = await admin.fetchRecords([{ topicName: name, partition, offset: from }], LIMITS);
    const waitingMs =
      batch !== undefined && !batch.isDamaged && batch.records.count > 0
        ? batch.records.publishedAtMs(0)
        : NO_BROKERS_TIME;
    const isLanding = landed !== undefined && retentionMs !== null && retentionMs >= 0 && waitingMs !== NO_BROKERS_TIME;
    if (isLanding) findings.push(...goingOf(`${name}/${partition}`, high - from, waitingMs + retentionMs));
    if ((skewed.get(partition) ?? high) < high) {
      findings.push({
        about: "clocks",
        severity: "doubtful",
        says: `the broker's clock is ahead of this machine's: ${name}/${partition} has records of a time to come`,
        next: "Run `timedatectl status` on both: one of them isn't synchronised.",
      });
    }
  }
  return findings;
}

/** So long before it is gone an event that waits is told of. */
const GOING_MS = 24 * HOUR_MS;

function goingOf(place: string, waiting: number, goneAtMs: number): Diagnosis[] {
  const leftMs = goneAtMs - Date.now();
  if (leftMs > GOING_MS) return [];
  const when = new Date(goneAtMs).toISOString();
  return [
    {
      about: "retention",
      severity: "doubtful",
      says: `${place}: ${count(waiting)} offsets have not landed, and the first of them may be deleted from ${when} on`,
      next: "Run `tradetape consume --until-caught-up`, or have the topic keep its events longer.",
    },
  ];
}

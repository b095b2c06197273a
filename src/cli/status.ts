import { CONSUMERS } from "../../consumers/all.ts";
import { type Config, requireServices } from "../config.ts";
import { Connection } from "../table/connection.ts";
import { requireMigrated } from "../table/migrate.ts";
import { type PartitionStatus, readStatus } from "../table/status.ts";
import { openKafka, withAdmin } from "../topic/client.ts";
import { fetchOffsets } from "../topic/offsets.ts";
import { topicName } from "../topic/topics.ts";
import type { CommandSpec, Session } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./output.ts";

/** One partition, from both sides: the database's and Kafka's. */
interface StatusRow {
  readonly topic: string;
  readonly partition: number;
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
}

export const statusCommand: CommandSpec<object> = {
  name: "status",
  summary: "per partition: landed, end, lag, letters, parked, outbox, rate",
  examples: ["tradetape status", "tradetape status --json | jq '[.[].lag] | add'"],
  run: async (session) => {
    const config = requireServices(session.config, "databaseUrl", "kafkaBrokers");
    // The database first: what lands between the two looks then shows as lag, never as more landed than there is.
    const landed = await databaseSide(config.databaseUrl);
    const rows = await kafkaSide(config, session, landed);
    session.out.result(rows, () => statusText(rows));
    return EXIT.good;
  },
};

async function databaseSide(databaseUrl: string): Promise<ReadonlyMap<string, PartitionStatus>> {
  const connection = await Connection.open(databaseUrl, { name: "status", role: "tradetape_reader" });
  try {
    await requireMigrated(connection, databaseUrl);
    const partitions = await readStatus(connection);
    return new Map(partitions.map((status) => [`${status.topic}/${status.partition}`, status]));
  } finally {
    await connection.close();
  }
}

function kafkaSide(
  config: Config,
  { log }: Session,
  landed: ReadonlyMap<string, PartitionStatus>,
): Promise<StatusRow[]> {
  return withAdmin(openKafka(config, log), async (admin) => {
    const rows: StatusRow[] = [];
    for (const { topic } of CONSUMERS) {
      const name = topicName(config.namespace, topic);
      for (const { partition, low, high } of await fetchOffsets(admin, name)) {
        const status = landed.get(`${name}/${partition}`);
        rows.push({
          topic: name,
          partition,
          landed: status?.nextOffset ?? null,
          end: high,
          lag: Math.max(0, high - (status?.nextOffset ?? low)),
          letters: status?.letters ?? 0,
          parked: status?.parked ?? 0,
          outbox: status?.outbox ?? 0,
          recordsPerSecond: status?.recordsPerSecond ?? 0,
          landedAt: status?.landedAt ?? null,
        });
      }
    }
    return rows;
  });
}

function statusText(rows: readonly StatusRow[]): string {
  return table(
    ["topic", "partition", "landed", "end", "lag", "letters", "parked", "outbox", "records/s", "last landed"],
    rows.map((r) => [
      r.topic,
      r.partition,
      r.landed,
      r.end,
      r.lag,
      r.letters,
      r.parked,
      r.outbox,
      r.recordsPerSecond,
      r.landedAt,
    ]),
  );
}

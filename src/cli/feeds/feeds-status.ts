import { Patience, retryIfItHelps } from "../../batch/patience.ts";
import { pause } from "../../clock.ts";
import { requireServices } from "../../config.ts";
import { Admission } from "../../event/admission.ts";
import { openRegistry } from "../../event/registry.ts";
import { Instruments } from "../../feed-health/instruments.ts";
import { FeedReader } from "../../feed-health/read-feeds.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { type LogAdmin, withAdmin } from "../../topic/log-client.ts";
import { answering } from "../answering.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { collect } from "../feed-flags.ts";
import { wrong } from "../flags.ts";
import { REDRAW, WATCH_EVERY_MS } from "../output.ts";
import { feedsText } from "./feeds-text.ts";

interface FeedsStatusOptions {
  readonly calendar?: readonly string[];
  readonly watch?: boolean;
}

export const feedsStatusCommand: CommandSpec<FeedsStatusOptions> = {
  name: "status",
  summary:
    "whether feeds of ticks and quotes say what they use to while their markets are open; exit 1 where one is dead",
  examples: [
    "tradetape feeds status",
    "tradetape feeds status --calendar NASDAQ=XNAS --calendar none=24/7",
    "tradetape feeds status --watch --http 127.0.0.1:9466    goes on, and is scraped by Prometheus",
  ],
  isService: true,
  isServed: true,
  runsOn: ({ watch = false }) => watch,
  declare: (command) => {
    command.option(
      "--calendar <exchange=calendar>",
      "the calendar of an exchange's instruments, `none` for those of no exchange; may be repeated",
      collect,
    );
    command.option("--watch", "show it again every 2 seconds; with --json a document a line");
  },
  run: (session, _args, { calendar = [], watch = false }) => {
    const instruments = new Instruments(new Map(calendar.map(calendarOf)));
    return withAdmin(openKafka(session.config, session.log), async (admin) => {
      const reader = openReader(session, admin, instruments, watch);
      if (watch) return watchFeeds(session, reader);
      await reader.readBack();
      const rows = reader.rows();
      session.out.result(rows, () => feedsText(rows, reader.health.loaded));
      return rows.some(({ state }) => state === "dead") ? EXIT.foundWrong : EXIT.good;
    });
  },
};

function calendarOf(text: string): [exchange: string, calendar: string] {
  const [exchange = "", calendar = "", ...more] = text.split("=");
  if (exchange !== "" && calendar !== "" && more.length === 0) return [exchange, calendar];
  throw wrong(`--calendar ${text}`, "EXCHANGE=CALENDAR, as NASDAQ=XNAS");
}

/** Who watches waits for a broker or a registry that is away, and says so; others are told, and end. */
function openReader(session: Session, admin: LogAdmin, instruments: Instruments, waits: boolean): FeedReader {
  const { config, log, signal } = session;
  const registry = openRegistry(requireServices(config, "schemaRegistryUrl"), new Admission(config, log));
  const patience = new Patience(log, signal);
  const insist = <T>(what: string, attempt: () => Promise<T>): Promise<T> =>
    waits ? patience.insist(what, attempt, retryIfItHelps) : attempt();
  return new FeedReader(
    {
      log: {
        fetchRecords: (from, limits) => insist("events", () => admin.fetchRecords(from, limits)),
        fetchOffsets: (name) => insist(name, () => admin.fetchOffsets(name)),
        fetchOffsetsAt: (name, timeMs) => insist(name, () => admin.fetchOffsetsAt(name, timeMs)),
      },
      fetchSchema: (id) => insist("schema registry", () => registry.fetch(id)),
      registry,
      namespace: config.namespace,
      partitionBytesMax: config.fetchPartitionBytesMax,
      stop: signal,
      now: Date.now,
    },
    instruments,
  );
}

async function watchFeeds(session: Session, reader: FeedReader) {
  const { config, log, out, served, signal } = session;
  const ended = new AbortController();
  try {
    const from = await reader.readBack();
    const { broker } = answering(config, log);
    served?.began({ faults: () => [], services: { broker }, status: async () => reader.rows() });
    const reading = reader.readOn(from).finally(() => ended.abort());
    await Promise.all([reading, showAgain()]);
  } catch (error) {
    // Whoever ends it while it waits for a broker has what there was.
    if (!(signal.aborted && (error as Error).name === "AbortError")) throw error;
  }
  return EXIT.good;

  async function showAgain(): Promise<void> {
    const stop = AbortSignal.any([signal, ended.signal]);
    const head = process.stdout.isTTY ? REDRAW : "";
    while (!stop.aborted) {
      const rows = reader.rows();
      served?.meters.feeds(rows);
      const at = new Date(reader.readUntilMs).toISOString();
      out.result({ at, feeds: rows }, () => `${head}${at}\n\n${feedsText(rows, reader.health.loaded)}\n\n`);
      await pause(WATCH_EVERY_MS, stop);
    }
  }
}

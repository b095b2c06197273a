import { Option } from "commander";
import { requireServices } from "../../config.ts";
import { EventReader } from "../../event/codec.ts";
import type { RegistryWay } from "../../event/http/registry-door.ts";
import { COMPATIBLE, type SchemaVersion, Subjects, subjectOf } from "../../event/http/subjects.ts";
import { openRegistry } from "../../event/registry.ts";
import { EVENT_TOPICS, type EventTopic } from "../../event/schemas.ts";
import { checkTopics, type TopicReport } from "../../topic/check-topics.ts";
import { createTopics } from "../../topic/create-topics.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { type LogAdmin, withAdmin } from "../../topic/log-client.ts";
import { planTopics } from "../../topic/plan-topics.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { table } from "../output.ts";
import { topicsPlanText } from "./topics-plan.ts";
import { registerSchemas } from "./up.ts";

interface TopicsOptions {
  readonly plan?: boolean;
  readonly create?: boolean;
  readonly setCompatibility?: boolean;
}

export const topicsCommand: CommandSpec<TopicsOptions> = {
  name: "topics",
  summary: "compare the topics with what the pipeline relies on, with sizes; --create makes the missing ones",
  examples: [
    "tradetape topics",
    "tradetape topics --plan --topics-file topics.yml",
    "tradetape topics --create",
    "tradetape topics --set-compatibility",
  ],
  declare: (command) => {
    command.addOption(
      new Option(
        "--plan",
        "say what --create would change, and change nothing; exit code 1 says that it is something",
      ).conflicts(["create", "setCompatibility"]),
    );
    command.option(
      "--create",
      "create what is missing, register the schemas, and have topics that keep events for too short a time keep them " +
        "longer; nothing else of an existing topic is changed",
    );
    command.option("--set-compatibility", `have the registry refuse schemas that landing can't read (${COMPATIBLE})`);
  },
  run: async (session, _args, options) => {
    if (options.plan) return plan(session);
    const { config, out, log } = session;
    const sizes = await withAdmin(openKafka(config, log), async (admin) =>
      measure(admin, await (options.create ? createTopics : checkTopics)(admin, config)),
    );
    const isAsked = options.setCompatibility || config.schemaRegistryUrl !== undefined;
    const way = isAsked ? requireServices(config, "schemaRegistryUrl") : undefined;
    if (options.create && way !== undefined) await registerSchemas(way);
    const topics = await withCompatibility(sizes, way, options.setCompatibility === true);
    const ok = topics.every(({ state }) => state === "good" || state === "created" || state === "lengthened");
    out.result({ ok, topics }, () => topicsText(topics));
    return ok ? EXIT.good : EXIT.foundWrong;
  },
};

async function plan({ config, out, log }: Session): Promise<ExitCode> {
  const changes = await withAdmin(openKafka(config, log), (admin) => planTopics(admin, config));
  out.result({ ok: changes.length === 0, changes }, () => topicsPlanText(changes));
  return changes.length === 0 ? EXIT.good : EXIT.foundWrong;
}

/** A topic and how much there is of it. */
interface TopicSize extends TopicReport {
  /** On the disks of all brokers, replicas included; null when the topic is missing. */
  readonly bytes: number | null;
  /** Offsets that its partitions have from their first record ever to their next one. */
  readonly offsets: number;
  /** Those at the front whose records are gone: where there are any, programs that read the topic need a snapshot. */
  readonly gone: number;
}

async function measure(admin: LogAdmin, reports: readonly TopicReport[]): Promise<TopicSize[]> {
  const bytes = await admin.fetchBytes();
  const sizes: TopicSize[] = [];
  for (const report of reports) {
    const logs = report.state === "missing" ? [] : await admin.fetchOffsets(report.name);
    const gone = report.isCompacted ? 0 : logs.reduce((sum, { low }) => sum + low, 0);
    const offsets = logs.reduce((sum, { high }) => sum + high, 0);
    sizes.push({ ...report, bytes: bytes.get(report.name) ?? null, offsets, gone });
  }
  return sizes;
}

/** What changes of a topic's schema the registry allows; null where it says nothing, or isn't asked. */
interface SubjectFacts {
  readonly compatibility: string | null;
  /** Versions of its schema whose events become letters, and why. */
  readonly unreadable: readonly (SchemaVersion & { readonly why: string })[];
}

/** @param sets whether subjects that allow something else are to allow COMPATIBLE changes from now on */
export async function withCompatibility<T extends Pick<TopicReport, "topic" | "name">>(
  topics: readonly T[],
  way: RegistryWay | undefined,
  sets: boolean,
): Promise<(T & SubjectFacts)[]> {
  const subjects = way === undefined ? undefined : new Subjects(way);
  const lines: (T & SubjectFacts)[] = [];
  for (const size of topics) {
    const isEvents = (EVENT_TOPICS as readonly string[]).includes(size.topic);
    const found = isEvents && subjects !== undefined ? await subjects.compatibility(size.name) : null;
    const isSet = sets && found !== null && found !== COMPATIBLE;
    if (isSet) await subjects!.guard(size.name);
    const versions = found === null ? [] : await subjects!.versions(size.name);
    const unreadable = await unreadableOf(size.topic as EventTopic, versions, way);
    lines.push({ ...size, compatibility: isSet ? COMPATIBLE : found, unreadable });
  }
  return lines;
}

type TopicLine = TopicSize & SubjectFacts;

/** The registry compares types, and neither records' names nor what a number means: of some versions landing makes letters. */
async function unreadableOf(
  topic: EventTopic,
  versions: readonly SchemaVersion[],
  way: RegistryWay | undefined,
): Promise<TopicLine["unreadable"]> {
  if (versions.length === 0) return [];
  const registry = openRegistry(way!);
  const reader = new EventReader(topic, registry);
  const found: TopicLine["unreadable"][number][] = [];
  for (const { version, id } of versions) {
    await registry.fetch(id);
    const refusal = reader.refusal(id);
    if (refusal !== undefined) found.push({ version, id, why: refusal.detail });
  }
  return found;
}

const unreadableLines = (topics: readonly TopicLine[]): string[] =>
  topics.flatMap(({ name, unreadable }) =>
    unreadable.map(({ version, id, why }) => {
      const which = `version ${version} (schema ${id}) of ${subjectOf(name)}`;
      return `Warning, ${which}: every event written with it becomes a letter: ${why}. Mend its writer before it publishes.`;
    }),
  );

/** A line for each compatibility that lets a writer register what landing can't read, with the subjects that have it. */
function compatibilityLines(topics: readonly TopicLine[]): string[] {
  const others = topics.filter(({ compatibility }) => compatibility !== null && compatibility !== COMPATIBLE);
  return [...new Set(others.map(({ compatibility }) => compatibility))].map((level) => {
    const names = others.filter(({ compatibility }) => compatibility === level).map(({ name }) => subjectOf(name));
    const mend = "`tradetape topics --set-compatibility` has it refuse these";
    return `Warning, ${names.join(", ")}: is ${level}, so the registry takes schemas that landing can't read; ${mend}.`;
  });
}

const HOUR_MS = 3_600_000;

function topicsText(topics: readonly TopicLine[]): string {
  const head = ["topic", "state", "partitions", "offsets", "gone", "bytes", "kept", "differences"];
  const rows = topics.map((t) => {
    const { name, state, partitions, offsets, gone, bytes, differences, lacks } = t;
    return [name, state, partitions, offsets, gone, bytes, keptText(t), [...differences, ...lacks].join("; ")];
  });
  const mends = [...new Set(topics.flatMap(({ mend }) => (mend === null ? [] : [mend])))];
  return [
    table(head, rows),
    ...riskLines(topics),
    ...compatibilityLines(topics),
    ...unreadableLines(topics),
    ...mends,
  ].join("\n");
}

/** A line for each risk, with the topics that have it. */
function riskLines(topics: readonly TopicReport[]): string[] {
  const risks = new Set(topics.flatMap((topic) => topic.risks));
  return [...risks].map((risk) => {
    const names = topics.filter((topic) => topic.risks.includes(risk)).map(({ name }) => name);
    return `Warning, ${names.join(", ")}: ${risk}.`;
  });
}

function keptText({ retentionMs }: TopicReport): string {
  if (retentionMs === null) return "-";
  return retentionMs === -1 ? "for ever" : `${retentionMs / HOUR_MS} h`;
}

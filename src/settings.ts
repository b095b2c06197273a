import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { KAFKA_SETTINGS } from "./settings/kafka.ts";
import { REGISTRY_SETTINGS } from "./settings/registry.ts";
import { ROLE_PREFIX } from "./settings/role-names.ts";
import { flagBoolean, setting } from "./settings/setting.ts";
import { SWITCHED_RULES } from "./settings/switched-rules.ts";
import { readDatabaseUrl } from "./settings/urls.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const integer = (low: number, high: number, standard: number) =>
  z.coerce.number().int().min(low).max(high).default(standard);
/** Says of a database's URL what is wrong with it. */
function checkDatabaseUrl({ value, issues }: z.core.ParsePayload<string>): void {
  const read = readDatabaseUrl(value);
  if (typeof read === "string") issues.push({ code: "custom", message: read, input: value });
}

/** A topic's subject or any's, as `admittedSubjects` has them. */
const ADMITTED = /^([a-z-]+=)?[^=\s]+$/;

/** Root keeps its stack where PostgreSQL's own user, which root must switch to, can enter; others keep it at home. */
const homeDefault = () => (process.getuid?.() === 0 ? "/var/lib/tradetape" : join(homedir(), ".tradetape"));

export const SETTINGS = {
  databaseUrl: setting({
    env: "DATABASE_URL",
    flag: "--database-url <url>",
    doc:
      "PostgreSQL 15 or later, as postgres://user:password@host:port/database. Of several hosts, host:port,host:port, " +
      "?target_session_attrs=read-write takes the one that takes writes. sslmode, sslrootcert, sslcert, sslkey and " +
      "channel_binding mean what they mean to libpq, and so do PGSSLMODE and its like.",
    schema: z.string().check(checkDatabaseUrl).optional(),
    secret: true,
  }),
  databaseReadUrl: setting({
    env: "DATABASE_READ_URL",
    doc: "Where commands that only read ask the database, as a hot standby of DATABASE_URL's; unset is DATABASE_URL.",
    schema: z.string().check(checkDatabaseUrl).optional(),
    secret: true,
  }),
  ...KAFKA_SETTINGS,
  ...REGISTRY_SETTINGS,
  allowPlaintext: setting({
    env: "TRADETAPE_ALLOW_PLAINTEXT",
    flag: "--allow-plaintext",
    doc:
      "Whether a login, and what follows it, may go in clear to a host that isn't this machine: to PostgreSQL without TLS, by " +
      "SASL without KAFKA_SSL_ENABLED, to a registry or a token endpoint by plain HTTP.",
    schema: flagBoolean,
  }),
  namespace: setting({
    env: "TRADETAPE_NAMESPACE",
    flag: "--namespace <name>",
    doc: "Prefix of every topic, as in paper.ticks.",
    schema: z
      .string()
      .regex(/^[a-zA-Z0-9_-]{0,60}$/, "may hold letters, digits, _ and -, 60 at most")
      .default(""),
  }),
  rolePrefix: setting({
    env: "TRADETAPE_ROLE_PREFIX",
    doc:
      "Prefix of the PostgreSQL roles, as in paper_tradetape_lander: databases of one server share their roles unless they " +
      "have prefixes of their own. It is set before the first `migrate`; a URL's role_prefix beats it.",
    schema: z
      .string()
      .regex(ROLE_PREFIX, "may hold small letters, digits and _, begins with a letter and not with pg_, 40 at most")
      .default(""),
  }),
  auditSignFile: setting({
    env: "TRADETAPE_AUDIT_SIGN_FILE",
    doc: "PEM file of the Ed25519 key that signs this process's audit entries, which only its user may read; unset signs none.",
    schema: z.string().optional(),
  }),
  auditKeysFile: setting({
    env: "TRADETAPE_AUDIT_KEYS_FILE",
    doc:
      "File of the keys that audit entries may be signed by, a line each: a name, the public key, and the actors it may speak " +
      "for. What is signed otherwise becomes a letter `wrong_signature`; unset looks at no signature.",
    schema: z.string().optional(),
  }),
  home: setting({
    env: "TRADETAPE_HOME",
    doc: "Folder of the local stack's data (root: /var/lib/tradetape).",
    schema: z.string().min(1).default(homeDefault),
  }),
  logLevel: setting({
    env: "TRADETAPE_LOG_LEVEL",
    doc: "Log lines go to standard error, as JSON; as text on a terminal.",
    schema: z.enum(["silent", "error", "warn", "info", "debug"]).default("warn"),
  }),
  eventBytesMax: setting({
    env: "TRADETAPE_EVENT_BYTES_MAX",
    doc: "A larger event becomes a letter `too_large`.",
    unit: "bytes",
    schema: integer(KIB, 4 * MIB, MIB),
  }),
  early1970: setting({
    env: "TRADETAPE_EARLY_1970",
    doc:
      "Times in the first quarter of 1970, where seconds and milliseconds taken for microseconds lie. `refuse`: neither " +
      "published nor landed, but letters `time_unit`. `allow`: such history is meant.",
    schema: z.enum(["refuse", "allow"]).default("refuse"),
  }),
  publishLingerMs: setting({
    env: "TRADETAPE_PUBLISH_LINGER_MS",
    doc: "How long a publisher waits for more events before it sends.",
    unit: "ms",
    schema: integer(0, 1000, 5),
  }),
  publishBatchBytesMax: setting({
    env: "TRADETAPE_PUBLISH_BATCH_BYTES_MAX",
    doc: "A produce request to one partition holds at most this much.",
    unit: "bytes",
    schema: integer(16 * KIB, 4 * MIB, 512 * KIB),
  }),
  publishBufferBytesMax: setting({
    env: "TRADETAPE_PUBLISH_BUFFER_BYTES_MAX",
    doc: "Events admitted and not yet acknowledged; beyond it, `publish` waits.",
    unit: "bytes",
    schema: integer(MIB, 1024 * MIB, 16 * MIB),
  }),
  topicRetentionHours: setting({
    env: "TRADETAPE_TOPIC_RETENTION_HOURS",
    doc: "How long the topics `ticks` and `quotes` keep events, where the topics file says nothing; -1 is for ever.",
    unit: "hours",
    schema: integer(-1, 24 * 3660, 24 * 7),
  }),
  agentRetentionHours: setting({
    env: "TRADETAPE_AGENT_RETENTION_HOURS",
    doc:
      "How long `bars`, `indicators`, `predictions`, `decisions`, `fills` and `performance` keep events; -1 is for ever. A " +
      "program refuses to run on what is left of a log, unless it has a snapshot of its state.",
    unit: "hours",
    schema: integer(-1, 24 * 3660, -1),
  }),
  topicsFile: setting({
    env: "TRADETAPE_TOPICS_FILE",
    flag: "--topics-file <file>",
    doc: "File of the topics' partitions, replicas and retention, YAML or JSON, as docs/kafka.md has it; unset is the defaults.",
    schema: z.string().min(1).optional(),
  }),
  fetchPartitionBytesMax: setting({
    env: "TRADETAPE_FETCH_PARTITION_BYTES_MAX",
    doc: "One fetch brings at most this much of one partition: the size of a landing transaction, or of a program's turn.",
    unit: "bytes",
    schema: integer(64 * KIB, 16 * MIB, 2 * MIB),
  }),
  landingBufferBytesMax: setting({
    env: "TRADETAPE_LANDING_BUFFER_BYTES_MAX",
    doc: "Fetched and not yet committed, per consumer group; beyond it, fetching waits.",
    unit: "bytes",
    schema: integer(MIB, 1024 * MIB, 24 * MIB),
  }),
  landingConnections: setting({
    env: "TRADETAPE_LANDING_CONNECTIONS",
    doc:
      "So many partitions of a big topic land at the same time, each in a PostgreSQL session, besides the small batches, which " +
      "land together in one; of small topics it is one.",
    schema: integer(1, 16, 2),
  }),
  databaseSessionsMax: setting({
    env: "TRADETAPE_DATABASE_SESSIONS_MAX",
    doc:
      "PostgreSQL sessions of a process that consumes, whichever topics; a replay has one more. Four are for questions, new " +
      "days, the outbox and locks, the topics share the others to land.",
    schema: integer(6, 100, 12),
  }),
  lockTimeoutMs: setting({
    env: "TRADETAPE_LOCK_TIMEOUT_MS",
    doc: "How long a landing waits for a lock before it lets go and tries again.",
    unit: "ms",
    schema: integer(100, 60_000, 5000),
  }),
  sessionTimeoutMs: setting({
    env: "TRADETAPE_SESSION_TIMEOUT_MS",
    doc: "A consumer that Kafka hasn't heard of for this long loses its partitions.",
    unit: "ms",
    schema: integer(6000, 300_000, 10_000),
  }),
  sweepIntervalMs: setting({
    env: "TRADETAPE_SWEEP_INTERVAL_MS",
    doc: "How often parked events are looked at that nobody has told of: for being overdue, above all.",
    unit: "ms",
    schema: integer(50, 60_000, 1000),
  }),
  historyCheckMs: setting({
    env: "TRADETAPE_HISTORY_CHECK_MS",
    doc: "How often a running group compares where it is with where the log begins and ends.",
    unit: "ms",
    schema: integer(500, 3_600_000, 30_000),
  }),
  compactedTopics: setting({
    env: "TRADETAPE_COMPACTED_TOPICS",
    doc: "`land`: a topic that somebody compacted lands, what compaction removed counts as holes. `refuse`: nothing starts.",
    schema: z.enum(["refuse", "land"]).default("refuse"),
  }),
  sessionKinds: setting({
    env: "TRADETAPE_SESSION_KINDS",
    doc: "Events of these kinds of sessions land, the others are counted as `filtered`; events of no session are live.",
    schema: z
      .string()
      .transform((v) => [...new Set(v.split(",").map((kind) => kind.trim()))])
      .pipe(z.array(z.enum(["live", "paper", "backtest", "replay"])).min(1))
      .prefault("live,paper,backtest,replay"),
  }),
  admittedSubjects: setting({
    env: "TRADETAPE_ADMITTED_SUBJECTS",
    doc:
      "Subjects of the registry whose schemas events may be written with, beside those of their topic and of their record's " +
      "name: names separated by commas, for one topic as ticks=vendor-*, where * stands for anything; * alone admits all.",
    schema: z
      .string()
      .transform((v) => v.split(",").flatMap((one) => one.trim() || []))
      .pipe(z.array(z.string().regex(ADMITTED, "must be subjects, or topic=subject, separated by commas")))
      .prefault(""),
  }),
  rulesOff: setting({
    env: "TRADETAPE_RULES_OFF",
    doc:
      "Rules that are not asked, for feeds that are known to break them, separated by commas; `verify` lists what landed " +
      "all the same. docs/rules.md has them.",
    schema: z
      .string()
      .transform((v) => [...new Set(v.split(",").map((name) => name.trim()))].filter((name) => name !== ""))
      .pipe(z.array(z.enum(SWITCHED_RULES)))
      .prefault(""),
  }),
  parkDeadlineMs: setting({
    env: "TRADETAPE_PARK_DEADLINE_MS",
    doc: "How long an event waits for its parents before it may become a letter `missing_parent`.",
    unit: "ms",
    schema: integer(100, 7 * 86_400_000, 60_000),
  }),
  parkedEventsMax: setting({
    env: "TRADETAPE_PARKED_EVENTS_MAX",
    doc: "Parked events of one partition; over it, the partition waits.",
    schema: integer(1000, 10_000_000, 200_000),
  }),
  letterShareMax: setting({
    env: "TRADETAPE_LETTER_SHARE_MAX",
    doc: "A group stops when more of its last 10,000 events than this, and 1,000 at least, are letters; 1 is never.",
    schema: z.coerce.number().min(0.01).max(1).default(0.5),
  }),
  redriveAttemptsMax: setting({
    env: "TRADETAPE_REDRIVE_ATTEMPTS_MAX",
    doc: "An event that has been redriven this often is left alone, unless `--again` is given.",
    schema: integer(1, 1000, 3),
  }),
  newDaysPerBatchMax: setting({
    env: "TRADETAPE_NEW_DAYS_PER_BATCH_MAX",
    doc: "A batch is cut before the row that needs one more new day partition than this.",
    schema: integer(1, 1000, 32),
  }),
  daysAhead: setting({
    env: "TRADETAPE_DAYS_AHEAD",
    doc: "A day's first events make the partitions of so many days behind it, too, unless the day is over.",
    unit: "days",
    schema: integer(0, 30, 1),
  }),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** Every setting, in the order of its declaration. */
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

import { CONSUMERS } from "../../../consumers/all.ts";
import { requireReading } from "../../config.ts";
import { inSnapshot } from "../../table/checks/ledger-check.ts";
import type { Connection } from "../../table/connection.ts";
import { addressOf } from "../../table/database-url.ts";
import { openMigrated } from "../../table/migrate.ts";
import { compareDatabases } from "../../verify/against.ts";
import { EventLog } from "../../verify/rows/event-log.ts";
import { type TablesReport, verifyTables } from "../../verify/tables.ts";
import { type TopicsReport, verifyTopics } from "../../verify/topics/topics.ts";
import { type Verification, verify } from "../../verify/verify.ts";
import { rowsProgress } from "../audit/rows-progress.ts";
import { signingText } from "../audit/signing-text.ts";
import { tablesText } from "../audit/tables-text.ts";
import { topicsText } from "../audit/topics-text.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wholeFlag, wrong } from "../flags.ts";
import { allowedText } from "../flow/allowed-text.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";
import { otherDatabase } from "../services.ts";
import { comparisonText } from "./comparison.ts";

interface VerifyOptions {
  readonly quiet?: boolean;
  readonly full?: boolean;
  readonly against?: string;
  readonly againstFile?: string;
  readonly wait: string;
}

export const verifyCommand: CommandSpec<VerifyOptions> = {
  name: "verify",
  summary: "prove that the database holds what its ledger says: ranges, counts, letters, outbox, audit chain",
  examples: [
    "tradetape verify                    exit code 1 when something doesn't hold",
    "tradetape verify --quiet            nothing runs: the outbox must be empty, too",
    "tradetape verify --full             and that tables and topics are what the audit log says",
    "tradetape verify --against URL      and that another database, such as a replay's, holds the same rows",
  ],
  declare: (command) => {
    command.option("--quiet", "no consumer runs: nothing may wait to be published");
    command.option("--full", "hold tables and topics against the audit log and the ledger, too; reads topics");
    command.option("--against <url>", "another database of the same topics, as postgres://...; DATABASE_URL is `here`");
    command.option("--against-file <path>", "the same, by a file that the URL stands in");
    command.option("--wait <seconds>", "with --against: how long both may take to land equally far", "30");
  },
  run: async (session, _args, options) => {
    const { config, out, signal } = session;
    const { databaseUrl } = requireReading(config);
    const given = { flag: "--against", url: options.against, file: options.againstFile };
    const other = otherDatabase(config, given);
    if (other !== undefined && addressOf(other) === addressOf(databaseUrl)) {
      throw wrong("--against", "another database than the one that is verified");
    }
    const waitMs = wholeFlag("--wait", options.wait, 0)! * 1000;
    const here = await openReader(databaseUrl);
    try {
      const result = await verify(here, CONSUMERS, { quiet: options.quiet === true });
      const full = options.full && (await lookFull(here, session));
      const ok = result.ok && (!full || (full.tables.ok && full.topics.ok));
      const looked = { ...result, ok, ...full };
      const texts = full ? [tablesText(full.tables), topicsText(full.topics)] : [];
      const text = [verificationText(result), ...texts].join("\n\n");
      if (other === undefined) {
        out.result(looked, () => text);
        return looked.ok ? EXIT.good : EXIT.foundWrong;
      }
      const there = await openReader(other);
      try {
        const onProgress = session.progress.line;
        const found = await compareDatabases({ here, there }, CONSUMERS, { waitMs, stop: signal, onProgress });
        if (found === undefined) return EXIT.interrupted;
        const places = { here: addressOf(databaseUrl), there: addressOf(other) };
        out.result({ ...looked, ok: ok && found.equal, against: { ...places, ...found } }, () =>
          [text, comparisonText(found, places)].join("\n\n"),
        );
        return ok && found.equal ? EXIT.good : EXIT.foundWrong;
      } finally {
        await there.close();
      }
    } finally {
      await here.close();
    }
  },
};

interface FullLook {
  readonly tables: TablesReport;
  readonly topics: TopicsReport;
}

const lookFull = (connection: Connection, { config, log, progress }: Session): Promise<FullLook> =>
  inSnapshot(connection, async () => {
    const eventLog = new EventLog(config, log);
    const tables = await verifyTables(connection, CONSUMERS, eventLog, rowsProgress(progress));
    return { tables, topics: await verifyTopics(connection, CONSUMERS, eventLog) };
  });

/** A session that can read, of a database that this program knows. */
const openReader = (databaseUrl: string): Promise<Connection> =>
  openMigrated(databaseUrl, { name: "verify", role: "tradetape_reader" });

/** What landed and breaks a rule. */
function ruleText(found: Verification["rules"]): string {
  const rows = found.map(({ rule, topic, rows, examples }) => [rule, topic, count(rows), examples.join(" ")]);
  return `rows that break a rule (docs/rules.md):\n${table(["rule", "topic", "rows", "for example"], rows)}`;
}

/** Rows whose events no log has any more, and why. */
function cutText({
  topic,
  partition,
  breach,
  from,
  to,
  rows,
  reason,
  actor,
  at,
}: Verification["cutLogs"][number]): string {
  const log = breach === "cut" ? `a log that was cut at offset ${to}` : "another log than the partition has now";
  const when = `rewound from offset ${from} to ${to} by ${actor} at ${at}: ${reason}`;
  return `${topic}/${partition}: ${count(rows)} rows landed from ${log} (${when})`;
}

export function verificationText(result: Verification): string {
  const { rows, partitions, auditEntries, quotes, signing } = result;
  const looked = `${count(rows)} rows, ${count(partitions)} partitions, ${count(auditEntries)} audit entries`;
  const lines = [result.ok ? `good: ${looked} are what the ledger says` : `not good: looked at ${looked}`];
  if (Object.keys(signing.signed).length > 0) lines.push(`audit entries: ${signingText(signing)}`);
  if (quotes.crossed + quotes.locked > 0)
    lines.push(`quotes: ${count(quotes.crossed)} crossed, ${count(quotes.locked)} locked, as markets are at times`);
  const findings = [
    ...result.problems.map((finding) => ["wrong", finding.check, finding.subject, finding.detail]),
    ...result.warnings.map((finding) => ["warning", finding.check, finding.subject, finding.detail]),
  ];
  lines.push(...result.allowed.map(allowedText));
  lines.push(...result.cutLogs.map(cutText));
  if (result.rules.length > 0) lines.push(ruleText(result.rules));
  if (findings.length > 0) lines.push(table(["", "check", "where", "what"], findings));
  return lines.join("\n");
}

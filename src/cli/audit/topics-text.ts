import type { TopicsReport } from "../../verify/topics/topics.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";

/** How many findings are shown to people; `--json` lists all. */
const SHOWN_MAX = 50;

/** What landed, held against the topics, for people. */
export function topicsText(report: TopicsReport): string {
  if ("notRead" in report) return `the topics can't be read, so that nothing was held against them: ${report.notRead}`;
  const { ok, findings, entries, notProvable, missing } = report;
  const shown = findings.slice(0, SHOWN_MAX).map(({ subject, detail }) => [subject, detail]);
  return [
    ok
      ? `what landed is what the topics have: ${count(entries)} audit entries, and every event that left no row`
      : "what landed is NOT what the topics have",
    ...(notProvable > 0 ? [`not provable: ${count(notProvable)} audit entries that no topic has any more`] : []),
    ...(missing.length > 0 ? [`not provable: what landed from topics that are gone: ${missing.join(", ")}`] : []),
    ...(shown.length > 0 ? [table(["where", "what"], shown)] : []),
    ...(findings.length > shown.length ? [`... and ${count(findings.length - shown.length)} more`] : []),
  ].join("\n");
}

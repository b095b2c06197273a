import type { Bound } from "../../replay/bounds.ts";
import { estimateSeconds } from "../../replay/estimate.ts";
import type { ReplayResult } from "../../replay/replay.ts";
import type { PlannedTopic, ReplayPlan } from "../../replay/replay-plan.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";

/** What a replay would land, per topic and partition, and what the log no longer has of it. */
export function planText(plan: ReplayPlan): string {
  const rows = plan.topics.flatMap(({ topic, partitions }) =>
    partitions
      .filter(({ start, end, logStart }) => end > start || logStart > 0)
      .map(({ partition, start, end, logStart }) => [topic, partition, start, end, end - start, logStart || null]),
  );
  const total = plan.topics.reduce((sum, topic) => sum + offsetsOf(topic), 0);
  const what = plan.whole ? "everything that the topics hold" : `a part of the topics: ${partOf(plan)}`;
  return [
    table(["topic", "partition", "from", "until", "offsets", "gone before"], rows),
    `${count(total)} offsets, ${what}; about ${count(estimateSeconds(plan))} s`,
  ].join("\n");
}

const offsetsOf = ({ partitions }: PlannedTopic): number =>
  partitions.reduce((sum, { start, end }) => sum + end - start, 0);

function partOf({ topics, from, until, sessions }: ReplayPlan): string {
  const parts = [topics.map(({ topic }) => topic).join(", ")];
  if (from.kind !== "edge") parts.push(`from ${boundText(from)}`);
  if (until.kind !== "edge") parts.push(`until ${boundText(until)}`);
  if (sessions === "none") parts.push("events of no session");
  else if (sessions !== "all") parts.push(`session ${sessions.only}`);
  return parts.join("; ");
}

function boundText(bound: Bound): string {
  if (bound.kind === "time") return new Date(bound.ms).toISOString();
  return bound.kind === "edge"
    ? "the edge"
    : Object.entries(bound.at)
        .map(([place, offset]) => `${place}:${offset}`)
        .join(",");
}

const COUNTS = ["read", "written", "duplicate", "replaced", "dead", "parked", "filtered"] as const;

export function resultText(result: ReplayResult): string {
  const { topics, missingParent, outsideWindow, ok, problems, warnings, whole } = result;
  const lines = [
    table(
      ["topic", ...COUNTS],
      topics.map((topic) => [topic.topic, ...COUNTS.map((name) => topic[name])]),
    ),
  ];
  if (missingParent > 0) lines.push(`${count(missingParent)} events became letters: their parents are nowhere`);
  if (outsideWindow > 0) lines.push(`${count(outsideWindow)} events were filtered: a parent lies outside the replay`);
  const findings = [
    ...problems.map(({ check, subject, detail }) => ["wrong", check, subject, detail]),
    ...warnings.map(({ check, subject, detail }) => ["warning", check, subject, detail]),
  ];
  if (findings.length > 0) lines.push(table(["", "check", "where", "what"], findings));
  lines.push(ok ? "verify: good" : "verify: not good");
  if (!whole) lines.push("This database holds a part only; `tradetape consume` won't go on from it.");
  return lines.join("\n");
}

import type { TopicChange } from "../../topic/plan-topics.ts";

/** What `topics --create` would do, a line a change, and below what it leaves to somebody the commands that do it. */
export function topicsPlanText(changes: readonly TopicChange[]): string {
  if (changes.length === 0) return "nothing would change";
  const mends = changes.flatMap((change) => (change.action === "by hand" ? [change.mend] : []));
  return [...changes.map(changeLine), ...new Set(mends)].join("\n");
}

function changeLine(change: TopicChange): string {
  const { name, action } = change;
  if (action === "create") {
    const { partitions, replicas, settings } = change;
    const copies = replicas === null ? "replicas as the brokers have it" : `${replicas} replicas`;
    return `create ${name}: ${partitions} partitions, ${copies}, ${settingsText(settings)}`;
  }
  if (action === "lengthen") {
    const texts = Object.entries(change.settings).map(([name, to]) => `${name} ${change.from[name]} to ${to}`);
    return `lengthen ${name}: ${texts.join(", ")}`;
  }
  return `by hand ${name}: ${change.why.join("; ")}`;
}

const settingsText = (settings: Readonly<Record<string, string>>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");

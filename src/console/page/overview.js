import { count, Grid, lasting, shown, Trouble, When } from "./parts.js";
import { html } from "./preact.js";

const sum = (rows, name) => rows.reduce((all, row) => all + row[name], 0);

/** Of all rows, by what happened in the last minute. */
const perSecond = (rows, name) => Math.round(rows.reduce((all, row) => all + row[name].over60s, 0));

/** The longest of some times, each of which may be "never". */
const longest = (times) => (times.includes("never") ? "never" : Math.max(...times));

const inText = (time) => (time === "never" ? "never" : lasting(time));

/** States from the worst to the best. */
const STATES = ["stopped", "silent", "waiting", "ended", "none", "running"];
const MARKS = { stopped: "bad", silent: "bad", waiting: "wait", ended: "quiet", none: "quiet", running: "good" };

/** The rows of each topic, trouble first. */
function byTopic(rows) {
  const topics = Map.groupBy(rows, (row) => row.topic);
  const worst = (own) => Math.min(...own.map((row) => STATES.indexOf(row.group)));
  const isCut = (own) => own.some((row) => row.cut);
  return [...topics.values()].sort(
    (a, b) =>
      isCut(b) - isCut(a) ||
      worst(a) - worst(b) ||
      (b[0].ofTopic.secondsBehind ?? 0) - (a[0].ofTopic.secondsBehind ?? 0) ||
      sum(b, "letters") - sum(a, "letters") ||
      sum(b, "lag") - sum(a, "lag"),
  );
}

/** How long ago the broker had what is next, and where one partition is much later than the others, which. */
function lateText({ secondsBehind, skewSeconds, worstPartition }) {
  if (secondsBehind === null) return "–";
  return skewSeconds >= 1 ? `${lasting(secondsBehind)} (partition ${worstPartition})` : lasting(secondsBehind);
}

function topicRow(own) {
  const { topic, group, ofTopic } = own[0];
  const landedAt = own
    .map((row) => row.landedAt)
    .filter(Boolean)
    .sort()
    .at(-1);
  const letters = sum(own, "letters");
  return [
    shown(topic),
    html`<span class=${MARKS[group]}>${own.some((row) => row.cut) ? "log was cut" : group}</span>`,
    count(ofTopic.lag),
    lateText(ofTopic),
    inText(ofTopic.caughtUpIn.over60s),
    count(perSecond(own, "landedPerSecond")),
    count(perSecond(own, "publishedPerSecond")),
    letters > 0 ? html`<a href="#/letters">${count(letters)}</a>` : count(0),
    count(sum(own, "parked")),
    count(sum(own, "outbox")),
    html`<${When} at=${landedAt} />`,
  ];
}

/** What each process tells of a group that waits or has stopped. */
function Groups({ rows }) {
  const heard = new Map(rows.flatMap((row) => row.groups).map((one) => [`${one.topic} ${one.process}`, one]));
  const told = [...heard.values()].filter(({ state }) => state === "stopped" || state === "waiting");
  return told.map(
    ({ topic, process, state, since, code, reason, next }) => html`<div class="notice ${MARKS[state]}">
      <strong>${shown(topic)} ${state}</strong> since <${When} at=${since} />, in ${shown(process)}${"\n"}
      ${code ? `${code}: ` : ""}${shown(reason ?? "")}${next ? `\n${shown(next)}` : ""}
    </div>`,
  );
}

const COLUMNS = [
  ["topic"],
  ["group"],
  ["behind", "n"],
  ["late", "n"],
  ["caught up in", "n few"],
  ["landed/s", "n few"],
  ["published/s", "n few"],
  ["letters", "n"],
  ["parked", "n"],
  ["outbox", "n few"],
  ["last landed", "few"],
];

export function Overview({ overview }) {
  if (overview === undefined) return html`<h1>Overview</h1><p class="quiet">Looking…</p>`;
  if (overview.error) return html`<h1>Overview</h1><${Trouble} error=${overview.error} />`;
  const { rows } = overview;
  const topics = byTopic(rows);
  const stopped = topics.filter((own) => MARKS[own[0].group] === "bad" || own.some((row) => row.cut)).length;
  const tiles = [
    ["groups in trouble", stopped, stopped > 0 ? "bad" : "good"],
    ["events behind", sum(rows, "lag")],
    ["late", lasting(Math.max(...rows.map((row) => row.secondsBehind ?? 0)))],
    ["caught up in", inText(longest(rows.map((row) => row.caughtUpIn.over60s)))],
    ["landed a second", perSecond(rows, "landedPerSecond")],
    ["published a second", perSecond(rows, "publishedPerSecond")],
    ["letters", sum(rows, "letters"), sum(rows, "letters") > 0 ? "wait" : ""],
    ["parked", sum(rows, "parked")],
    ["outbox", sum(rows, "outbox")],
  ];
  return html`
    <h1>Overview</h1>
    <dl class="tiles">
      ${tiles.map(
        ([name, value, mark]) => html`<div>
        <dt>${name}</dt>
        <dd class=${mark ?? ""}>${typeof value === "string" ? value : count(value)}</dd>
      </div>`,
      )}
    </dl>
    <${Groups} rows=${rows} />
    <${Grid} caption="Topics, trouble first" columns=${COLUMNS} rows=${topics.map(topicRow)} />
  `;
}

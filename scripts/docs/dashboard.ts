import { METRICS, type MetricName } from "../../src/metrics/declared.ts";

type Metric = (typeof METRICS)[MetricName];

interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** By whom a metric is measured, as the heading of its panels. */
const HEADINGS: Readonly<Record<Metric["of"], string>> = {
  "consume, replay": "What lands",
  consume: "What waits",
  "publish, run, the library": "What is published",
  "feeds status": "What feeds say",
};

/** In units of 24, of which a row of panels has as many. */
const PANEL = { w: 12, h: 8 };
const chosen = (labels: readonly string[]) => (labels.includes("topic") ? '{topic=~"$topic"}' : "");
const SOURCE = { type: "prometheus", uid: "$source" };

const by = (labels: readonly string[]) => `by (${labels.join(", ")})`;
const legendOf = (labels: readonly string[]) => labels.map((label) => `{{${label}}}`).join(" ");

/** What a panel asks: of a counter the rate, of a histogram the middle and the worst hundredth, of a time how long ago. */
function queriesOf(name: string, { kind, labels, unit }: Metric): readonly Query[] {
  const rate = (of: string) => `rate(${of}${chosen(labels)}[$__rate_interval])`;
  if (kind === "counter") {
    // Of each partition there would be too many lines.
    const shown = labels.filter((label) => label !== "partition");
    return [{ expr: `sum ${by(shown)} (${rate(name)})`, legend: legendOf(shown) }];
  }
  if (kind === "histogram") {
    const buckets = `sum ${by([...labels, "le"])} (${rate(`${name}_bucket`)})`;
    return [0.5, 0.99].map((share) => ({
      expr: `histogram_quantile(${share}, ${buckets})`,
      legend: `${legendOf(labels)} ${share * 100} %`,
    }));
  }
  // Several processes look at one partition.
  const value = `max ${by(labels)} (${name}${chosen(labels)})`;
  const expr = unit === "seconds since 1970" ? `time() - ${value}` : value;
  return [{ expr, legend: legendOf(labels) }];
}

const UNITS: Readonly<Record<string, string>> = { seconds: "s", "seconds since 1970": "s", batches: "short" };

function panelOf(name: MetricName, id: number, x: number, y: number): object {
  const metric = METRICS[name];
  const unit = UNITS[metric.unit] ?? "short";
  const words = name.replace(/^tradetape_/, "").replace(/_total$|_seconds$/, "");
  const title = words.replace(/_timestamp$/, ", how long ago").replaceAll("_", " ");
  return {
    id,
    type: "timeseries",
    title: title[0]!.toUpperCase() + title.slice(1),
    description: `${metric.help} (${name})`,
    datasource: SOURCE,
    gridPos: { ...PANEL, x, y },
    fieldConfig: { defaults: { unit: metric.kind === "counter" ? "cps" : unit, min: 0 }, overrides: [] },
    targets: queriesOf(name, metric).map(({ expr, legend }, i) => ({
      refId: "AB"[i],
      datasource: SOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}

function panels(): readonly object[] {
  const all: object[] = [];
  let y = 0;
  for (const [of, title] of Object.entries(HEADINGS)) {
    all.push({
      id: all.length + 1,
      type: "row",
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    });
    y += 1;
    const names = (Object.keys(METRICS) as MetricName[]).filter((name) => METRICS[name].of === of);
    for (const [i, name] of names.entries()) {
      all.push(panelOf(name, all.length + 1, (i % 2) * PANEL.w, y + Math.floor(i / 2) * PANEL.h));
    }
    y += Math.ceil(names.length / 2) * PANEL.h;
  }
  return all;
}

/** Grafana's dashboard, with a panel for each metric that is declared. */
export function dashboard(): string {
  const shown = {
    title: "tradetape",
    uid: "tradetape",
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    templating: {
      list: [
        { name: "source", label: "Data source", type: "datasource", query: "prometheus" },
        {
          name: "topic",
          label: "Topic",
          type: "query",
          datasource: SOURCE,
          query: `label_values({__name__=~"tradetape_.+"}, topic)`,
          refresh: 2,
          multi: true,
          includeAll: true,
          allValue: ".*",
        },
      ],
    },
    panels: panels(),
  };
  return `${JSON.stringify(shown, null, 2)}\n`;
}

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { METRICS } from "../../src/metrics/declared.ts";
import { readText } from "../support/source-tree.ts";

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly runbook: string };
}

interface Played {
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly object[] }[];
}

const DASHBOARD = readText("ops/grafana/tradetape.json");
const MANUAL = readText("docs/operations.md");
const RULES = readText("ops/prometheus/alerts.yml");
const alerts = (parse(RULES) as { groups: { rules: Alert[] }[] }).groups.flatMap(({ rules }) => rules);
const played = (parse(readText("test/ops/alerts.yml")) as { tests: Played[] }).tests.flatMap((t) => t.alert_rule_test);

/** The metrics that a text asks for, without the endings of a histogram's series. */
const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/\btradetape_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ""));
/** What is asked; "tradetape_" with what follows it left open is none. */
const askedBy = {
  "the dashboard": (JSON.parse(DASHBOARD) as { panels: { targets?: { expr: string }[] }[] }).panels.flatMap(
    ({ targets = [] }) => targets.flatMap(({ expr }) => namesIn(expr)),
  ),
  "the alerts": alerts.flatMap(({ expr }) => namesIn(expr)),
};

test.each(Object.entries(askedBy))("%s ask only for metrics that there are", (_of, names) => {
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !(name in METRICS))).toEqual([]);
});

test("a panel and the manual have each metric", () => {
  const described = namesIn(MANUAL);
  const missing = (names: readonly string[]) => Object.keys(METRICS).filter((name) => !names.includes(name));
  expect({ panels: missing(askedBy["the dashboard"]), manual: missing(described) }).toEqual({ panels: [], manual: [] });
});

test("labels that a query groups by are labels of its metrics", () => {
  const queries = [...alerts.map(({ expr }) => expr), ...DASHBOARD.matchAll(/"expr": "(.*)"/g)].map(String);
  for (const query of queries) {
    const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels]) => labels!.split(", "));
    const known = namesIn(query).flatMap((name) => METRICS[name as keyof typeof METRICS].labels as readonly string[]);
    expect(
      grouped.filter((label) => label !== "le" && !known.includes(label)),
      query,
    ).toEqual([]);
  }
});

describe.each(alerts)("$alert", ({ alert, annotations }) => {
  test("names its section of the manual", () => {
    expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    expect(MANUAL).toContain(`\n### ${alert}\n`);
  });

  test("is played a fault by which it fires, and after which it is over", () => {
    const fires = played.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) => exp_alerts.length > 0);
    expect([fires[0], fires.includes(true), fires.at(-1)].map(String)).toEqual(["false", "true", "false"]);
  });
});

import { LINKS, type LinkRule, RULES, type Rule } from "../../event/rules.ts";
import type { EventTopic } from "../../event/schemas.ts";
import type { Connection } from "../connection.ts";
import { aboveSql, brokenLinkSql } from "../landing/links.ts";
import type { LandingTable } from "../rows/landing-table.ts";
import { literal, quoted } from "../sql.ts";

/** Rows of a topic's table that break a rule which has a switch. */
export interface RuleBreaks {
  readonly rule: string;
  readonly topic: EventTopic;
  readonly rows: number;
  /** Up to five ids: of the rows, or of the parents whose total is too much; of a rule about a text, such texts. */
  readonly examples: readonly string[];
}

const EXAMPLES_MAX = 5;

/**
 * What landed and breaks a rule: before there was the rule, while it was switched off, or because no landing could tell, as
 * when two partitions bring what together is too much.
 */
export async function ruleBreaks(
  connection: Connection,
  topic: EventTopic,
  table: LandingTable,
): Promise<readonly RuleBreaks[]> {
  const found: RuleBreaks[] = [];
  for (const rule of RULES[topic].filter(({ hasSwitch }) => hasSwitch)) {
    if (rule.isOfText) found.push({ rule: rule.name, topic, ...(await brokenTexts(connection, table, rule)) });
    else if (rule.between) found.push({ rule: rule.name, topic, ...(await broken(connection, outside(table, rule))) });
  }
  for (const link of LINKS[topic]) {
    const sql = link.total ? overTotal(table, link) : brokenLinks(table, link);
    found.push({ rule: link.name, topic, ...(await broken(connection, sql)) });
  }
  return found.filter(({ rows }) => rows > 0);
}

type Found = Pick<RuleBreaks, "rows" | "examples">;

/** @param sql gives the id of each row that breaks the rule */
async function broken(connection: Connection, sql: string): Promise<Found> {
  const rows = await connection.query<{ id: string; rows: number }>(
    `SELECT id, count(*) OVER () AS rows FROM (${sql}) broken ORDER BY 1 LIMIT ${EXAMPLES_MAX}`,
  );
  return { rows: rows[0]?.rows ?? 0, examples: rows.map(({ id }) => id) };
}

const idOf = (table: LandingTable, alias: string): string => `${alias}.${quoted(table.key.at(-1)!)} AS id`;

function outside(table: LandingTable, { field, between }: Rule): string {
  const [low, value, high] = [between![0], field, between![1]].map((name) => `t.${quoted(name)}`) as [
    string,
    string,
    string,
  ];
  return `SELECT ${idOf(table, "t")} FROM public.${quoted(table.table)} t
    WHERE ${aboveSql(low, value)} OR ${aboveSql(value, high)}`;
}

/** Few texts are repeated by many rows, so each is judged once. */
async function brokenTexts(connection: Connection, table: LandingTable, { field, isBroken }: Rule): Promise<Found> {
  const texts = await connection.query<{ text: string; rows: number }>(
    `SELECT ${quoted(field)} AS text, count(*) AS rows FROM public.${quoted(table.table)} GROUP BY 1 ORDER BY 1`,
  );
  const wrong = texts.filter(({ text }) => isBroken({ [field]: text }));
  return {
    rows: wrong.reduce((sum, { rows }) => sum + rows, 0),
    examples: wrong.slice(0, EXAMPLES_MAX).map(({ text }) => text),
  };
}

function brokenLinks(table: LandingTable, link: LinkRule): string {
  const parent = table.parents.find(({ column }) => column === link.by)!;
  return `SELECT ${idOf(table, "s")} FROM public.${quoted(table.table)} s
    JOIN public.${quoted(parent.table)} p ON p.${quoted(parent.key)} = s.${quoted(link.by)}
    WHERE ${brokenLinkSql(link, "s", "p")}`;
}

function overTotal(table: LandingTable, link: LinkRule): string {
  const parent = table.parents.find(({ column }) => column === link.by)!;
  const when = link.when === undefined ? "true" : `s.${quoted(link.when[0])} = ${literal(link.when[1])}`;
  return `SELECT p.${quoted(parent.key)} AS id FROM public.${quoted(table.table)} s
    JOIN public.${quoted(parent.table)} p ON p.${quoted(parent.key)} = s.${quoted(link.by)}
    WHERE ${when} GROUP BY p.${quoted(parent.key)}, p.${quoted(link.of)}
    HAVING ${aboveSql(`sum(s.${quoted(link.field)})`, `p.${quoted(link.of)}`)}`;
}

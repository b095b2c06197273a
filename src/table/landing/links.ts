import { LINKS, type LinkRule, type RulesOff } from "../../event/rules.ts";
import { EVENT_BY_TOPIC, EVENT_TOPICS } from "../../event/schemas.ts";
import type { LandingTable } from "../rows/landing-table.ts";
import { equal, literal, lookup, OFFSET_COLUMN, quoted } from "../sql.ts";

/** What part of a number is a rounding, as `isAbove` has it. */
const ROUNDING = "1e-9";

/** The rules between a table's rows and their parents' that are asked. */
export function linksOf({ event }: LandingTable, off: RulesOff): readonly LinkRule[] {
  const topic = EVENT_TOPICS.find((name) => EVENT_BY_TOPIC[name] === event)!;
  return LINKS[topic].filter(({ name }) => !off.has(name));
}

/** SQL: whether row `child` breaks a link to row `parent`; of `total` by itself. The same as the link's `isBroken`. */
export function brokenLinkSql(link: LinkRule, child: string, parent: string): string {
  const field = `${child}.${quoted(link.field)}`;
  const of = `${parent}.${quoted(link.of)}`;
  const when = link.when === undefined ? "" : `${child}.${quoted(link.when[0])} = ${literal(link.when[1])} AND `;
  return `(${when}${demandSql(link, field, of)})`;
}

function demandSql({ same, atLeast, is, not }: LinkRule, field: string, of: string): string {
  if (same) return `${field} IS DISTINCT FROM ${of}`;
  if (atLeast) return `${field} < ${of}`;
  if (is !== undefined) return `${of} IS DISTINCT FROM ${is}`;
  if (not !== undefined) return `${of} = ${literal(not)}`;
  return aboveSql(field, of);
}

/** SQL: whether a number is greater than another by more than a rounding. */
export const aboveSql = (value: string, most: string): string => `${value} - ${most} > ${ROUNDING} * abs(${value})`;

/** SQL: the name of the first link that row `s` breaks, null where there is none. @param aliasOf the parents', by column */
export function firstBrokenSql(links: readonly LinkRule[], aliasOf: ReadonlyMap<string, string>): string {
  const cases = links.map((link) => {
    const alias = aliasOf.get(link.by)!;
    return `WHEN ${alias}.${quoted(link.of)} IS NOT NULL AND ${brokenLinkSql(link, "s", alias)} THEN '${link.name}'`;
  });
  return cases.length === 0 ? "NULL" : `CASE ${cases.join(" ")} END`;
}

/** A staged row whose event counts into a total of its parent, and what has landed of that total. */
export interface Counted extends Record<string, unknown> {
  readonly offset: number;
  readonly id: string;
  readonly parent: string;
  readonly number: number;
  readonly counts: boolean;
  readonly most: number;
  /** The numbers that have landed, in the order in which they were published. */
  readonly landed: readonly number[];
}

/**
 * SQL for `Counted`: nothing as long as no parent's total can be exceeded, and then all staged rows that have not landed, in
 * the topic's order. The database finds that the numbers suffice or not; `overTotal` says which of them are too much.
 */
export function totalsSql(table: LandingTable, link: LinkRule): string {
  const relation = quoted(`stage_${table.table}`);
  const parent = table.parents.find(({ column }) => column === link.by)!;
  const [by, number, of] = [link.by, link.field, link.of].map(quoted) as [string, string, string];
  const counts = (alias: string) =>
    link.when === undefined ? "true" : `${alias}.${quoted(link.when[0])} = ${literal(link.when[1])}`;
  const mayExceed = `h.sum + a.asked > a.most`;
  return `WITH fresh AS (
      SELECT s.${OFFSET_COLUMN} AS "offset", s.${quoted(table.key.at(-1)!)} AS id, s.${by} AS parent, s.${number} AS number,
        ${counts("s")} AS counts, p.most
      FROM ${relation} s
      CROSS JOIN ${lookup(parent.table, `t.${of} AS most`, `t.${quoted(parent.key)} = s.${by}`)} p
      LEFT JOIN ${lookup(table.table, "true AS there", equal(table.key, "t", "s"))} r ON true WHERE r.there IS NULL
    ), asked AS (
      SELECT parent, most, sum(number) AS asked FROM fresh WHERE counts GROUP BY 1, 2
    ), held AS (
      SELECT a.parent, h.numbers FROM asked a CROSS JOIN LATERAL (
        SELECT coalesce(sum(t.${number}), 0) AS sum,
          coalesce(jsonb_agg(t.${number} ORDER BY t.source_partition, t.source_offset), '[]') AS numbers
        FROM public.${quoted(table.table)} t WHERE t.${by} = a.parent AND ${counts("t")}) h
      WHERE ${mayExceed}
    )
    SELECT f.*, coalesce(h.numbers, '[]') AS landed FROM fresh f LEFT JOIN held h USING (parent)
    WHERE EXISTS (SELECT FROM held) ORDER BY 1`;
}

import { TradetapeError } from "../../errors.ts";
import type { Connection } from "../connection.ts";
import { ESTABLISHED } from "../established.ts";
import { type LandingTable, tablesOf } from "./landing-table.ts";

/**
 * Refuses what somebody did to a landing's tables that would lose their rows, count others' as theirs, or stop it later: at
 * the first correction, or at a midnight to come.
 * @param byDay whether the table has a partition per UTC day
 * @throws TradetapeError catalog_mismatch
 */
export async function requireUnaltered(connection: Connection, table: LandingTable, byDay: boolean): Promise<void> {
  const found = await connection.query<{ problem: string; undo: string }>(ALTERED, [
    tablesOf(table),
    byDay ? table.table : null,
    OWN_FOREIGN_KEYS,
  ]);
  if (found.length === 0) return;
  throw new TradetapeError("catalog_mismatch", found.map(({ problem }) => problem).join("\n"), {
    next: `Let the tables' owner or a superuser run this:\n${found.map(({ undo }) => `${undo};`).join("\n")}`,
    facts: { statements: found.map(({ undo }) => undo) },
  });
}

const OWN_FOREIGN_KEYS = ESTABLISHED.flatMap(({ kind, is, name }) =>
  kind === "constraint" && is.startsWith("FOREIGN KEY") ? name : [],
);

/**
 * SQL; each problem, and what undoes it. $1 are the tables, $2 is the one that is partitioned by day, or null, $3 are the foreign
 * keys that the migrations made: what breaks one of those waits for its parent, what breaks another would wait for ever.
 */
const ALTERED = `
  WITH own AS (
    SELECT c.oid, c.relname, c.relkind, c.relreplident FROM pg_class c
    WHERE c.relnamespace = to_regnamespace('public') AND c.relname = ANY ($1::text[])
  ), part AS (
    SELECT c.oid, c.relname, c.relpersistence, i.inhparent, i.inhdetachpending,
      pg_get_expr(c.relpartbound, c.oid) AS bound, substring(c.relname, '^' || $2::text || '_([0-9]{8})$') AS day
    FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p')
  )
  SELECT format('%s is unlogged: a crash of the server would empty it', relname) AS problem,
    format('ALTER TABLE public.%I SET LOGGED', relname) AS undo
  FROM part WHERE relpersistence = 'u' AND (oid IN (SELECT oid FROM own) OR inhparent IN (SELECT oid FROM own))
  UNION ALL
  SELECT format('%s has the rule %s, with which a landing can''t be combined', relname, rulename),
    format('DROP RULE %I ON public.%I', rulename, relname)
  FROM own JOIN pg_rewrite ON ev_class = own.oid
  UNION ALL
  SELECT format('%s is inherited by %s, whose rows would count as its own', relname, i.inhrelid::regclass),
    format('ALTER TABLE %s NO INHERIT public.%I', i.inhrelid::regclass, relname)
  FROM own JOIN pg_inherits i ON i.inhparent = own.oid WHERE relkind = 'r'
  UNION ALL
  SELECT format('%s has the constraint %s, %s', relname, conname, CASE WHEN contype = 'u'
      THEN 'which is checked too late to say which row breaks it' ELSE 'a row that breaks it would stop the landing' END),
    format('ALTER TABLE public.%I DROP CONSTRAINT %I', relname, conname)
  FROM part JOIN pg_constraint k ON k.conrelid = part.oid
  WHERE (part.oid IN (SELECT oid FROM own) OR inhparent IN (SELECT oid FROM own) AND conparentid = 0)
    AND (contype = 'x' OR contype = 'u' AND condeferrable
      OR contype = 'f' AND format('public.%I.%I', relname, conname) <> ALL ($3::text[]))
  UNION ALL
  SELECT format('%s.%s has a default that takes a right of the sequence %s', own.relname, a.attname, s.oid::regclass),
    format('GRANT USAGE ON SEQUENCE %s TO %I', s.oid::regclass, current_user)
  FROM own JOIN pg_attrdef d ON d.adrelid = own.oid JOIN pg_attribute a ON a.attrelid = own.oid AND a.attnum = d.adnum
  JOIN pg_depend u ON u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid AND u.refclassid = 'pg_class'::regclass
  JOIN pg_class s ON s.oid = u.refobjid
  WHERE NOT CASE s.relkind WHEN 'S' THEN has_sequence_privilege(s.oid, 'USAGE') ELSE true END
  UNION ALL
  SELECT format('%s lacks a replica identity, without which it can''t be updated while the publication %s tells of updates',
    relname, b.pubname), format('ALTER TABLE public.%I REPLICA IDENTITY FULL', relname)
  FROM own JOIN pg_publication b ON b.pubupdate AND (b.puballtables
    OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = b.oid AND (r.prrelid = own.oid
      OR r.prrelid IN (SELECT relid FROM pg_partition_ancestors(own.oid))))
    OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = b.oid AND s.pnnspid = to_regnamespace('public')))
  WHERE has_table_privilege(own.oid, 'UPDATE') AND (relreplident = 'n' OR relreplident = 'd'
    AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = own.oid AND x.indisprimary))
  UNION ALL
  SELECT format('%s: days to come overlap its partition %s (%s)', $2, relname, bound),
    format('ALTER TABLE public.%I DETACH PARTITION public.%I', $2, relname)
  FROM part WHERE inhparent IN (SELECT oid FROM own WHERE relname = $2) AND bound <> 'DEFAULT'
    AND bound IS DISTINCT FROM (SELECT format('FOR VALUES FROM (%L) TO (%L)', d, d + interval '1 day')
      FROM (SELECT to_date(day, 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' AS d) made)
    AND coalesce(substring(bound, 'TO \\(''([^'']+)''\\)')::timestamptz > current_date, true)
  UNION ALL
  SELECT format('%s: %s isn''t its partition, and has the name of one to come', $2, relname),
    format('ALTER TABLE public.%I RENAME TO %I', relname, relname || '_aside')
  FROM part WHERE day >= to_char(current_date, 'YYYYMMDD')
    AND (inhdetachpending OR inhparent IS DISTINCT FROM (SELECT oid FROM own WHERE relname = $2))`;

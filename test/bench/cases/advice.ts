import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backlog, type Context, figuresOf, land, seeded } from "../context.ts";
import { shown } from "../figures.ts";
import type { CopyArgs } from "../phases/copy.ts";
import type { Landed } from "../phases/land.ts";
import type { Measured } from "../phases/measure.ts";
import type { Figures } from "../store.ts";
import { exportRows, isoDay, TICK_COLUMNS } from "./tick-table.ts";

const DATABASE = "bench_advice";
const TABLE = "public.bench_rows";
const KEY = `CREATE UNIQUE INDEX ON ${TABLE} (symbol_id, "timestamp", market_data_id)`;
const BRIN = `CREATE INDEX ON ${TABLE} USING brin ("timestamp")`;
const PLAIN = `CREATE TABLE ${TABLE} (LIKE public.market_data_tick INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`;
const BY_DAY = [
  `${PLAIN} PARTITION BY RANGE ("timestamp")`,
  `CREATE TABLE public.bench_rows_day PARTITION OF ${TABLE} FOR VALUES FROM ('${isoDay(0)}') TO ('${isoDay(1)}')`,
];
const SHIPPED = [...BY_DAY, KEY, BRIN];

/** An order in which rows come, and what sorts them so; as landed is the order of a consumer of four partitions. */
const ORDERS = {
  events: `ORDER BY "timestamp", market_data_id`,
  landed: "",
  symbols: `ORDER BY symbol_id, "timestamp", market_data_id`,
  random: "ORDER BY market_data_id",
} as const;

interface Variant {
  readonly about: string;
  readonly table: readonly string[];
  readonly order?: keyof typeof ORDERS;
  readonly copy?: Partial<CopyArgs>;
}

const STAGE = `CREATE TEMPORARY TABLE stage (LIKE ${TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) ON COMMIT DELETE ROWS`;
const FROM_STAGE = `INSERT INTO ${TABLE} (${TICK_COLUMNS})
  SELECT DISTINCT ON (symbol_id, "timestamp", market_data_id) ${TICK_COLUMNS} FROM stage
  ORDER BY symbol_id, "timestamp", market_data_id ON CONFLICT DO NOTHING`;
const staged = {
  ahead: [STAGE],
  statement: `COPY stage (${TICK_COLUMNS}) FROM STDIN (FORMAT binary)`,
  behind: [FROM_STAGE],
  rowsPerTransaction: 10_000,
};

/** COPY alone: what the database's side of a choice costs. The first is what the product ships. */
const VARIANTS: readonly Variant[] = [
  { about: "shipped: unique (symbol, time, id), BRIN (time), partition by day; one transaction", table: SHIPPED },
  { about: "no index", table: [PLAIN] },
  { about: "BRIN (time) only", table: [PLAIN, BRIN] },
  { about: "unique (symbol, time, id) only, no partitions", table: [PLAIN, KEY] },
  { about: "as shipped, no partitions", table: [PLAIN, KEY, BRIN] },
  { about: "primary key (id) only", table: [PLAIN, `ALTER TABLE ${TABLE} ADD PRIMARY KEY (market_data_id)`] },
  {
    about: "primary key (id), btree (symbol, time)",
    table: [
      PLAIN,
      `ALTER TABLE ${TABLE} ADD PRIMARY KEY (market_data_id)`,
      `CREATE INDEX ON ${TABLE} (symbol_id, "timestamp")`,
    ],
  },
  { about: "unique (time, id) only", table: [PLAIN, `CREATE UNIQUE INDEX ON ${TABLE} ("timestamp", market_data_id)`] },
  {
    about: "as shipped, btree (time) in place of BRIN",
    table: [...BY_DAY, KEY, `CREATE INDEX ON ${TABLE} ("timestamp")`],
  },
  {
    about: "as shipped, foreign key to symbol",
    table: [...SHIPPED, `ALTER TABLE ${TABLE} ADD FOREIGN KEY (symbol_id) REFERENCES public.bench_symbol`],
  },
  { about: "as shipped, rows in the order of four partitions", table: SHIPPED, order: "landed" },
  { about: "as shipped, rows symbol by symbol", table: SHIPPED, order: "symbols" },
  { about: "as shipped, rows in random order", table: SHIPPED, order: "random" },
  { about: "as shipped, 1,000 rows a transaction", table: SHIPPED, copy: { rowsPerTransaction: 1000 } },
  { about: "as shipped, 10,000 rows a transaction", table: SHIPPED, copy: { rowsPerTransaction: 10_000 } },
  { about: "as shipped, 50,000 rows a transaction", table: SHIPPED, copy: { rowsPerTransaction: 50_000 } },
  { about: "as shipped, 10,000 rows a transaction by way of a stage, ON CONFLICT", table: SHIPPED, copy: staged },
];

/** The whole landing under other settings; the first is the default. */
const SETTINGS: readonly { readonly about: string; readonly env: Readonly<Record<string, string>> }[] = [
  { about: "landing, default settings (2 MiB a fetch, 2 connections)", env: {} },
  { about: "landing, 256 KiB a fetch", env: { TRADETAPE_FETCH_PARTITION_BYTES_MAX: "262144" } },
  { about: "landing, 1 MiB a fetch", env: { TRADETAPE_FETCH_PARTITION_BYTES_MAX: "1048576" } },
  { about: "landing, 4 MiB a fetch", env: { TRADETAPE_FETCH_PARTITION_BYTES_MAX: "4194304" } },
  { about: "landing, 1 connection", env: { TRADETAPE_LANDING_CONNECTIONS: "1" } },
  { about: "landing, 4 connections", env: { TRADETAPE_LANDING_CONNECTIONS: "4" } },
];

const nameOf = (kind: "copy" | "settings", n: number) => `advice ${kind} ${n}`;

export const SUBJECTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(VARIANTS.map(({ about }, n) => [nameOf("copy", n), about])),
  ...Object.fromEntries(SETTINGS.map(({ about }, n) => [nameOf("settings", n), about])),
};

/** What each choice of index, key, partition, order and batch costs, so that whoever chooses otherwise knows the price. */
export async function runAdvice(context: Context): Promise<void> {
  const { bed, store, size } = context;
  const rounds = Array.from({ length: size.otherRounds }, (_, round) => round + 1);
  const isDone = (round: number) => Object.keys(SUBJECTS).every((subject) => store.has(`round ${round} ${subject}`));
  if (rounds.every(isDone)) return;
  const folder = mkdtempSync(join(tmpdir(), "tradetape-bench-rows-"));
  try {
    const rows = await backlog(context, "advice", seeded(context, size.adviceRows));
    await bed.clone(DATABASE);
    await land(bed, "advice", DATABASE, rows);
    for (const [name, order] of Object.entries(ORDERS)) {
      await exportRows(bed.urlOf(DATABASE), join(folder, name), order);
    }
    const symbols = "CREATE TABLE public.bench_symbol AS SELECT DISTINCT symbol_id FROM public.market_data_tick";
    await bed.inDatabase(DATABASE, symbols, "ALTER TABLE public.bench_symbol ADD PRIMARY KEY (symbol_id)");
    for (const round of rounds) {
      const measured = async (subject: string, measure: () => Promise<Figures>) => {
        const piece = await store.once(`round ${round} ${subject}`, async () => ({ [subject]: await measure() }));
        bed.say(`advice, round ${round}: ${shown(piece[subject]!.rate!)}/s, ${SUBJECTS[subject]}`);
      };
      for (const [n, variant] of VARIANTS.entries()) {
        await measured(nameOf("copy", n), () => copyVariant(context, variant, folder, rows));
      }
      for (const [n, { env }] of SETTINGS.entries()) {
        await measured(nameOf("settings", n), () => landVariant(context, env, rows));
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  await bed.drop(DATABASE);
}

async function copyVariant({ bed }: Context, variant: Variant, folder: string, rows: number): Promise<Figures> {
  await bed.inDatabase(DATABASE, `DROP TABLE IF EXISTS ${TABLE}`, ...variant.table, "CHECKPOINT");
  const file = join(folder, variant.order ?? "events");
  const statement = `COPY ${TABLE} (${TICK_COLUMNS}) FROM STDIN (FORMAT binary)`;
  const args: CopyArgs = { file, rows, statement, ...variant.copy };
  const { rate, postgresUs } = figuresOf(await bed.phase<Measured>("copy", args, bed.env("advice", DATABASE)));
  const [size] = await bed.inDatabase<{ mb: number }>(
    DATABASE,
    // A plain table is no tree; its own size is then all there is.
    `SELECT coalesce((SELECT sum(pg_indexes_size(relid)) FROM pg_partition_tree('${TABLE}')), pg_indexes_size('${TABLE}'))::float8
       / 1e6 AS mb`,
  );
  return { rate: rate!, postgresUs: postgresUs!, indexMb: size!.mb };
}

async function landVariant({ bed }: Context, env: Readonly<Record<string, string>>, rows: number): Promise<Figures> {
  await bed.clone("bench_settings");
  const landing = bed.phase<Landed>("land", { events: rows }, { ...bed.env("advice", "bench_settings"), ...env });
  const { rate, postgresUs, residentMb } = figuresOf(await landing);
  await bed.drop("bench_settings");
  return { rate: rate!, postgresUs: postgresUs!, residentMb: residentMb! };
}

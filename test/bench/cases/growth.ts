import { backlog, type Context, figuresOf, land, seeded } from "../context.ts";
import { shown } from "../figures.ts";
import { TICK_COLUMNS } from "./tick-table.ts";

export const SUBJECTS = {
  l0: "land ticks into an empty table",
  l1: "land ticks beside 10 M rows of other days",
  l2: "land ticks beside 50 M rows of other days",
};

const ROWS_PER_DAY = 1_000_000;
const FILLERS = 2;

/**
 * Rates beside a table that grows, each size in a database of its own, so that they can take turns. Rows come from the
 * server itself, a million a day, with the same indexes; the day that is landed is new in each, as a trading day is.
 */
export async function runGrowth(context: Context): Promise<void> {
  const { bed, store, size } = context;
  const rounds = Array.from({ length: size.otherRounds }, (_, round) => round + 1);
  const keyOf = (round: number, at: number) => `growth ${round} ${at}`;
  if (rounds.every((round) => size.growthRows.every((_, at) => store.has(keyOf(round, at))))) return;
  const events = await backlog(context, "growth", seeded(context, size.ticks));
  const databases = size.growthRows.map((_, at) => `bench_l${at}`);
  for (const [at, rows] of size.growthRows.entries()) {
    await bed.clone(databases[at]!, databases[at - 1]);
    await fill(context, databases[at]!, size.growthRows[at - 1] ?? 0, rows);
  }
  for (const round of [0, ...rounds]) {
    const said: string[] = [];
    for (const [at, rows] of size.growthRows.entries()) {
      const measure = async () => {
        await forget(context, databases[at]!);
        return { [`l${at}`]: figuresOf(await land(bed, "growth", databases[at]!, events)) };
      };
      const piece = round === 0 ? await measure() : await store.once(keyOf(round, at), measure);
      said.push(`${shown(rows)} rows: ${shown(piece[`l${at}`]!.rate!)}/s`);
    }
    bed.say(`growth, ${round === 0 ? "warm-up" : `round ${round}`}: ${said.join(", ")}`);
  }
  for (const database of databases) await bed.drop(database);
}

const dayName = (day: number) => new Date(Date.UTC(2019, 0, 1 + day)).toISOString().slice(0, 10).replaceAll("-", "");

/** Adds days of rows until the table has `rows` of them; symbols in turn, each in time order, as landing leaves them. */
async function fill({ bed }: Context, database: string, have: number, rows: number): Promise<void> {
  const firstDay = Math.ceil(have / ROWS_PER_DAY);
  const days = Array.from({ length: Math.ceil((rows - have) / ROWS_PER_DAY) }, (_, day) => firstDay + day);
  let left = rows - have;
  const counts = new Map(days.map((day) => [day, Math.min(ROWS_PER_DAY, left - ROWS_PER_DAY * (day - firstDay))]));
  const filler = async (n: number) => {
    for (const day of days.filter((candidate) => candidate % FILLERS === n)) {
      await bed.inDatabase(database, ...fillStatements(day, counts.get(day)!));
      left -= counts.get(day)!;
      bed.say(`growth: ${shown(rows - left)} of ${shown(rows)} rows`);
    }
  };
  await Promise.all(Array.from({ length: FILLERS }, (_, n) => filler(n)));
  await bed.inDatabase(database, "ANALYZE public.market_data_tick", "CHECKPOINT");
}

/** Vacuuming days that were filled in seconds would go on through the measurements; real ones have long been vacuumed. */
const fillStatements = (day: number, rows: number) => [
  `SELECT tradetape.make_day('market_data_tick', date '2019-01-01' + ${day})`,
  `ALTER TABLE public.market_data_tick_${dayName(day)} SET (autovacuum_enabled = off)`,
  `INSERT INTO public.market_data_tick (${TICK_COLUMNS})
   SELECT gen_random_uuid(), ('00000000-0000-5000-8000-00000000000' || n % 8)::uuid,
     (date '2019-01-01' + ${day})::timestamp AT TIME ZONE 'UTC' + interval '14.5 hours' + n * interval '20 microseconds',
     0, 100 + n % 1000 / 100.0, 100, 'bench', n::text, 'N', NULL, NULL, NULL
   FROM generate_series(1, ${rows}) AS n`,
];

/** The database as it was before the last landing. */
async function forget({ bed }: Context, database: string): Promise<void> {
  const leaf = `market_data_tick_20210104`;
  await bed.inDatabase(
    database,
    `DROP TABLE IF EXISTS public.${leaf}`,
    "TRUNCATE tradetape.landed_offset, tradetape.landed_batch, tradetape.outbox",
    "UPDATE tradetape.database_id SET database_id = gen_random_uuid()",
    "CHECKPOINT",
  );
}

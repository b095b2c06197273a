import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backlog, type Context, figuresOf, land, seeded } from "../context.ts";
import { shown } from "../figures.ts";
import type { Landed } from "../phases/land.ts";
import type { Measured } from "../phases/measure.ts";
import type { Figures } from "../store.ts";
import { exportRows, isoDay, TICK_COLUMNS } from "./tick-table.ts";

export const SUBJECTS = {
  a: "land ticks, the live path",
  b: "one COPY of the same rows by one client: the ceiling",
  c500: "kafkajs, registry decode, INSERT of 500 rows, as documented",
  c1000: "the same tuned: 1000 rows, prepared, 4 partitions at once",
  d: "land ticks without ledger and promises",
  e1: "land ticks, 1 % of them twice",
  e100: "land ticks that have all landed before",
  h: "publish ticks, acks from all",
  hIds: "publish ticks whose ids are still to be made",
} as const;

type Subject = keyof typeof SUBJECTS;

/** One step of a round. */
interface Step {
  readonly subject: Subject;
  run(round: number): Promise<Measured>;
}

/** What the steps of all rounds work on. */
interface Backlogs {
  readonly once: number;
  readonly again: number;
  readonly partly: number;
  /** The same rows as PostgreSQL's COPY writes them. */
  readonly copyFile: string;
}

/**
 * The cases that are compared with one another, one after the other in each round (A B C A B C): what slows the machine
 * for a minute slows all of them. The first round warms caches up and isn't counted.
 */
export async function runRounds(context: Context, letters: ReadonlySet<string>): Promise<void> {
  const { bed, store, size } = context;
  const keyOf = (round: number, subject: Subject) => `round ${round} ${subject}`;
  const chosen = (Object.keys(SUBJECTS) as Subject[]).filter((subject) => letters.has(subject[0]!));
  const rounds = Array.from({ length: size.rounds }, (_, round) => round + 1);
  if (rounds.every((round) => chosen.every((subject) => store.has(keyOf(round, subject))))) return;
  const folder = mkdtempSync(join(tmpdir(), "tradetape-bench-rows-"));
  try {
    const steps = stepsOf(context, await makeBacklogs(context, chosen, folder));
    for (const round of [0, ...rounds]) {
      const said: string[] = [];
      for (const { subject, run } of steps.filter((step) => chosen.includes(step.subject))) {
        const measure = async (): Promise<Figures> => figuresOf(await run(round));
        const key = keyOf(round, subject);
        const figures =
          round === 0
            ? await measure()
            : (await store.once(key, async () => ({ [subject]: await measure() })))[subject]!;
        said.push(`${subject} ${shown(figures.rate!)}/s`);
      }
      if (round === 0) await compareRows(context, chosen);
      bed.say(`${round === 0 ? "warm-up" : `round ${round} of ${size.rounds}`}: ${said.join(", ")}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    for (const subject of chosen) await bed.drop(databaseOf(subject));
  }
}

const databaseOf = (subject: Subject) => `bench_${subject.toLowerCase()}`;

async function makeBacklogs(context: Context, chosen: readonly Subject[], folder: string): Promise<Backlogs> {
  const { bed, size } = context;
  bed.say(`publishing backlogs of ${shown(size.ticks)} ticks`);
  const once = await backlog(context, "once", seeded(context, size.ticks));
  const isRepeated = chosen.includes("e1");
  const again = isRepeated ? await backlog(context, "again", seeded(context, size.ticks)) : 0;
  const partly = isRepeated ? await backlog(context, "partly", seeded(context, size.ticks, { repeated: 0.01 })) : 0;
  if (chosen.includes("h")) await bed.namespace("published");
  const copyFile = join(folder, "rows");
  if (chosen.includes("b")) {
    await bed.clone("bench_source");
    await land(bed, "once", "bench_source", once);
    // In the order of events, in which they were published; the ceiling is lower in any other.
    await exportRows(bed.urlOf("bench_source"), copyFile, 'ORDER BY "timestamp", market_data_id');
    await bed.drop("bench_source");
    bed.say(`${shown(statSync(copyFile).size / 1e6)} MB of rows for COPY`);
  }
  return { once, again, partly, copyFile };
}

function stepsOf(context: Context, backlogs: Backlogs): Step[] {
  const { bed, size } = context;
  const { once, again, partly, copyFile } = backlogs;
  const day = `SELECT tradetape.make_day('market_data_tick', '${isoDay(0)}')`;
  const fresh = async (subject: Subject) => {
    await bed.clone(databaseOf(subject));
    return databaseOf(subject);
  };
  const usual = async (subject: Subject, tuned: boolean) => {
    const env = bed.env("once", await fresh(subject));
    await bed.inDatabase(databaseOf(subject), day);
    return bed.phase<Landed>("land-usual", { events: Math.min(once, size.usualTicks), tuned }, env);
  };
  const published = (round: number, withIds: boolean) => {
    const source = seeded(context, size.publishTicks, { firstDay: 10_000 + round });
    return bed.phase<Measured>("publish", { source, prepared: true, withIds }, bed.env("published", databaseOf("a")));
  };
  let landedIn = -1;
  const landAll = async (round: number) => {
    const landed = await land(bed, "once", await fresh("a"), once);
    landedIn = round;
    return landed;
  };
  return [
    { subject: "h", run: (round) => published(round, true) },
    { subject: "hIds", run: (round) => published(round, false) },
    { subject: "a", run: landAll },
    {
      subject: "b",
      run: async () => {
        const database = await fresh("b");
        await bed.inDatabase(database, day);
        const statement = `COPY public.market_data_tick (${TICK_COLUMNS}) FROM STDIN (FORMAT binary)`;
        return bed.phase<Measured>("copy", { file: copyFile, rows: once, statement }, bed.env("once", database));
      },
    },
    { subject: "c500", run: () => usual("c500", false) },
    { subject: "c1000", run: () => usual("c1000", true) },
    {
      subject: "d",
      run: async () => bed.phase<Landed>("land-unledgered", { events: once }, bed.env("once", await fresh("d"))),
    },
    {
      subject: "e1",
      run: async () => expectRepeats(await land(bed, "partly", await fresh("e1"), partly), partly - once),
    },
    {
      subject: "e100",
      run: async (round) => {
        // The rows are this round's, of case a; a resumed bench may have to land them first.
        if (landedIn !== round) await landAll(round);
        await bed.query("CHECKPOINT");
        return expectRepeats(await land(bed, "again", databaseOf("a"), again), again);
      },
    },
  ];
}

function expectRepeats(landed: Landed, repeats: number): Landed {
  if (landed.duplicate === repeats) return landed;
  throw new Error(`${landed.duplicate} repeats were found instead of ${repeats}`);
}

/** Whoever is compared has to have landed the same: an order-independent digest of all rows, after the warm-up. */
async function compareRows({ bed, size }: Context, chosen: readonly Subject[]): Promise<void> {
  const digest = `SELECT count(*) || ' rows, ' || sum(hashtextextended(t::text, 0)) AS digest FROM public.market_data_tick t`;
  const whole = chosen.filter((subject) => {
    const isUsual = subject.startsWith("c");
    return !subject.startsWith("h") && subject !== "e100" && (!isUsual || size.usualTicks >= size.ticks);
  });
  const digests = new Map<string, Subject>();
  for (const subject of whole) {
    const [row] = await bed.inDatabase<{ digest: string }>(databaseOf(subject), digest);
    digests.set(row!.digest, subject);
  }
  if (digests.size > 1) throw new Error(`not the same rows: ${JSON.stringify([...digests])}`);
}

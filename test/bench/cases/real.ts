import { backlog, type Context, figuresOf, land } from "../context.ts";
import { shown } from "../figures.ts";
import { filesIn } from "../ticks.ts";

export const SUBJECTS = { real: "land real ticks, five days of three shares" };

/** The live path on real trades, where they are: files one after the other, as a backfill publishes them. */
export async function runReal(context: Context): Promise<void> {
  const { bed, store, size, dataFolder } = context;
  const rounds = Array.from({ length: size.otherRounds }, (_, round) => round + 1);
  if (rounds.every((round) => store.has(`real ${round}`))) return;
  if (filesIn(dataFolder).length === 0) {
    bed.say(`real ticks: skipped, there are none in ${dataFolder}`);
    return;
  }
  const events = await backlog(context, "real", { kind: "files", folder: dataFolder });
  for (const round of rounds) {
    const piece = await store.once(`real ${round}`, async () => {
      await bed.clone("bench_real");
      return { real: figuresOf(await land(bed, "real", "bench_real", events)) };
    });
    bed.say(`real ticks, round ${round}: ${shown(piece.real!.rate!)}/s of ${shown(events)}`);
  }
  await bed.drop("bench_real");
}

import type { Context } from "../context.ts";
import { median, shown } from "../figures.ts";
import type { PoisonResult } from "../phases/poison.ts";

export const SUBJECTS = {
  poison0: "the transaction of 10,000 ticks",
  poison1: "the same, 1 of them refused by PostgreSQL",
  poison100: "the same, 100 of them refused",
};

/** A transaction takes a tenth of a second, so that a median can have more of them than other cases have rounds. */
const ROUNDS_FACTOR = 3;

/** What bad rows cost. */
export async function runPoison({ bed, store, size }: Context): Promise<void> {
  const piece = await store.once("poison", async () => {
    await bed.namespace("poison");
    await bed.clone("bench_poison");
    const rounds = ROUNDS_FACTOR * size.otherRounds;
    const { clean, one, hundred } = await bed.phase<PoisonResult>(
      "poison",
      { rounds },
      bed.env("poison", "bench_poison"),
    );
    await bed.drop("bench_poison");
    return { poison0: { ms: median(clean) }, poison1: { ms: median(one) }, poison100: { ms: median(hundred) } };
  });
  const [clean, one] = [piece.poison0!.ms!, piece.poison1!.ms!];
  bed.say(`poison: ${shown(clean)} ms clean, ${shown(one)} ms with one bad row`);
}

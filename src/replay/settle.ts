import type { Consumer } from "../batch/consumer.ts";
import type { ReplayTerms } from "../batch/group/replay-terms.ts";
import { type GivenUp, giveUpParked } from "../batch/land/expire.ts";
import { inTransaction } from "../batch/land/land.ts";
import type { LandingPlan } from "../batch/land/landing-plan.ts";
import { releaseParked } from "../batch/land/release.ts";
import type { LandingServices } from "../batch/run/landing-services.ts";
import { makeLandingPlan } from "../batch/run/make-landing-plan.ts";
import type { Connection } from "../table/connection.ts";
import { databaseTime, parkedByPartition } from "../table/landing/parked.ts";

/**
 * Leaves no event parked, as no further parent will land. `releaseParked` lands those whose parents are there; then
 * `giveUpParked` takes out those whose parents aren't, which may free children of theirs or later events of the same id:
 * so both are repeated until neither finds any.
 * @param as what is given up becomes letters after a whole replay; after one of a part, which left parents out, it is filtered
 */
export async function settle(
  services: LandingServices,
  consumers: readonly Consumer[],
  terms: ReplayTerms,
  as: GivenUp,
): Promise<void> {
  const plans: LandingPlan[] = [];
  for (const consumer of consumers.filter(({ landing }) => landing.parents.length > 0)) {
    plans.push(await makeLandingPlan(services, consumer, { terms }));
  }
  const { registry, sessions } = services;
  const release = { registry, days: sessions.days };
  await services.questions.use(async (connection) => {
    for (let done = true; done; ) {
      while (await everywhere(connection, plans, (plan, p) => releaseParked(connection, plan, p, release)));
      const asOf = await databaseTime(connection);
      // `judge` lets every orphan become a letter, however many: nothing is published to a log that is read again.
      const how = { registry, asOf, deadlineMs: 0, as, judge: async () => undefined };
      done = await everywhere(connection, plans, (plan, p) =>
        inTransaction(connection, () => giveUpParked(connection, plan, p, how)),
      );
    }
  });
}

/** Runs a step on each partition that has parked events. @returns whether any of them did something */
async function everywhere(
  connection: Connection,
  plans: readonly LandingPlan[],
  step: (plan: LandingPlan, partition: number) => Promise<{ readonly kind: string }>,
): Promise<boolean> {
  let isMoved = false;
  for (const plan of plans) {
    for (const partition of (await parkedByPartition(connection, plan.topicName)).keys()) {
      const { kind } = await step(plan, partition);
      isMoved ||= kind === "landed";
    }
  }
  return isMoved;
}

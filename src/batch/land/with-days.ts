import type { SessionSource } from "../../table/pool/session-pool.ts";
import type { EncodedBatch } from "../encode/encoded-batch.ts";
import { encodedAgain } from "./land.ts";
import type { LandingPlan } from "./landing-plan.ts";

/**
 * A batch whose rows all have a partition: makes those that are missing, and leaves out the rows of days that retention has
 * dropped.
 * @param sessions none of those that land, because a landing's transaction would hold the lock of each new partition
 */
export async function withDays(plan: LandingPlan, sessions: SessionSource, batch: EncodedBatch): Promise<EncodedBatch> {
  const { days } = plan.encoder;
  await days.make(sessions, batch);
  return batch.days.some((day) => days.isPast(day)) ? encodedAgain(plan, batch) : batch;
}

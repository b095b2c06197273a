import { replayId, saidDigest } from "../audit/log-id.ts";
import type { LandingServices } from "../batch/run/landing-services.ts";
import { encodeEvent } from "../event/codec.ts";
import type { ReplayRun } from "../table/upkeep/replay-run.ts";
import { topicName } from "../topic/topics.ts";
import type { ReplayPlan } from "./replay-plan.ts";

/** What the audit entry says of a run's outcome. */
interface ReplayFacts {
  readonly actor: string;
  readonly topics: readonly { readonly topic: string }[];
  readonly missingParent: number;
  readonly outsideWindow: number;
  readonly ok: boolean;
}

/**
 * Publishes the only message of a replay, the audit entry that it has finished. The entry is a pure function of the finished
 * run, so that a run which is cut off afterwards publishes the same entry again, under the same id.
 */
export async function publishReplayEntry(
  { registry, publisher, sign, config, databaseId }: LandingServices,
  run: ReplayRun<ReplayPlan>,
  facts: ReplayFacts,
  finishedUs: number,
): Promise<void> {
  const name = topicName(config.namespace, "audit");
  const schemaId = await registry.register(name, "audit");
  const { plan, runId, whole } = run;
  const { from, until, sessions } = plan;
  const { actor, topics, missingParent, outsideWindow, ok } = facts;
  const payload = JSON.stringify({
    run_id: runId,
    database_id: databaseId,
    whole,
    from,
    until,
    sessions,
    topics,
    missing_parent: missingParent,
    outside_window: outsideWindow,
  });
  const value = encodeEvent("audit", schemaId, {
    log_id: replayId(databaseId, runId, String(finishedUs), saidDigest(payload)),
    timestamp: finishedUs,
    event_type: "REPLAY",
    actor,
    payload,
    success: ok,
    correlation_id: runId,
  });
  await publisher.publish([{ topicName: name, partition: 0, key: null, value, headers: sign(name, value) }]);
}

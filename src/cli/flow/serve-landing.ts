import type { Consumer } from "../../batch/consumer.ts";
import { judge } from "../../batch/patience.ts";
import type { ConsumeProgress } from "../../batch/run/consume.ts";
import type { LandingServices } from "../../batch/run/landing-services.ts";
import { oneAtATime } from "../../clock.ts";
import type { Served } from "../../metrics/served.ts";
import { type PartitionRow, readDatabaseSide, readPartitions } from "../../status/read-status.ts";
import { topicName } from "../../topic/topics.ts";
import { answering } from "../answering.ts";

/** How often the partitions are looked at: as often as Prometheus asks, who gets the last look's figures. */
const LOOK_MS = 10_000;

/** What is shown of landing groups while they run. */
interface LandingShown {
  show(progress: readonly ConsumeProgress[]): void;
  /** No more looks; one that waits for a service that is away is given up, since the end doesn't wait for it. */
  end(): void;
}

/** Has the groups of these consumers served: their states, and now and then what waits in their partitions. */
export function serveLanding(served: Served, services: LandingServices, consumers: readonly Consumer[]): LandingShown {
  const { config, log, admin, questions, clock } = services;
  const names = consumers.map(({ topic }) => topicName(config.namespace, topic));
  const groups = new Map<string, ConsumeProgress>();
  let seen: { readonly seenAt: string; readonly partitions: readonly PartitionRow[] } | undefined;
  let isOver = false;

  const look = async () => {
    try {
      const partitions = await readPartitions(admin, await questions.use(readDatabaseSide), names);
      seen = { seenAt: new Date().toISOString(), partitions };
    } catch (error) {
      // Its connections were closed under it.
      if (isOver) return;
      // The groups meet the same fault and say so, or it is of this question alone; the figures are absent until it is over.
      const fault = judge(error, names.join(", "));
      if (fault !== "retry") log.warn({ code: fault.code, reason: fault.message }, "what waits can't be looked at");
      seen = undefined;
    }
    served.meters.looked(seen?.partitions);
  };
  const lookAgain = oneAtATime(look);
  lookAgain();
  const endLooks = clock.every(LOOK_MS, lookAgain);

  served.began({
    faults: () => consumers.flatMap(({ topic }) => faultOf(topic, groups.get(topic))),
    services: answering(config, log),
    status: async () => ({ groups: [...groups.values()], ...seen }),
  });
  return {
    show: (progress) => {
      for (const one of progress) {
        groups.set(one.topic, one);
        served.meters.group(topicName(config.namespace, one.topic), one.state.state);
      }
    },
    end: () => {
      isOver = true;
      endLooks();
    },
  };
}

function faultOf(topic: string, group: ConsumeProgress | undefined): readonly string[] {
  if (group === undefined) return [`${topic}: its group has not begun`];
  const { state, hasStarted } = group;
  if (state.state !== "running") return [`${topic}: ${state.state}: ${state.reason}`];
  return hasStarted ? [] : [`${topic}: its group is starting`];
}

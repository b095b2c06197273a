import { CONSUMERS } from "../../consumers/all.ts";
import type { Sessions } from "../../src/batch/encode/event-filter.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import { openLog } from "../../src/log.ts";
import { parseBound, parseSpeed } from "../../src/replay/bounds.ts";
import { type Onlooker, type ReplayResult, replay } from "../../src/replay/replay.ts";
import { FIRST, makeReplayPlan } from "../../src/replay/replay-plan.ts";
import { beginOrResume, openTarget } from "../../src/replay/target.ts";
import { withAdmin } from "../../src/topic/log-client.ts";
import type { TestTape } from "./tape.ts";

export interface ReplayFlags {
  readonly topics?: readonly EventTopic[];
  readonly from?: string;
  readonly until?: string;
  readonly sessions?: Sessions;
  readonly speed?: string;
  readonly add?: boolean;
  readonly resume?: boolean;
  readonly stop?: AbortSignal;
  readonly onlooker?: Partial<Onlooker>;
}

/** `tradetape replay --into` within this process. @returns undefined when it was stopped before its end */
export async function replayInto(
  source: TestTape,
  databaseUrl: string,
  flags: ReplayFlags = {},
): Promise<ReplayResult | undefined> {
  const config = { ...source.config, databaseUrl };
  const request = {
    consumers: CONSUMERS.filter(
      ({ topic }) => flags.topics === undefined || FIRST.includes(topic) || flags.topics.includes(topic),
    ),
    from: parseBound("--from", flags.from ?? "beginning", "beginning"),
    until: parseBound("--until", flags.until ?? "end", "end"),
    sessions: flags.sessions ?? "all",
  };
  const plan = await withAdmin(source.client, (admin) => makeReplayPlan(admin, config, request, CONSUMERS));
  const target = await openTarget(databaseUrl);
  try {
    const options = { add: flags.add ?? false, resume: flags.resume ?? false };
    const { run } = await beginOrResume(target.owner, plan, CONSUMERS, options);
    return await replay(target.owner, config, openLog(config), {
      run,
      consumers: request.consumers,
      all: CONSUMERS,
      speed: parseSpeed(flags.speed ?? "max"),
      actor: "test",
      stop: flags.stop ?? new AbortController().signal,
      force: new AbortController().signal,
      onlooker: { phase: () => {}, topics: () => {}, index: () => {}, ...flags.onlooker },
    });
  } finally {
    await target.close();
  }
}

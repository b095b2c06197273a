import { CONSUMERS } from "../../../consumers/all.ts";
import { userName } from "../../audit/actor.ts";
import type { Consumer } from "../../batch/consumer.ts";
import type { Sessions } from "../../batch/encode/event-filter.ts";
import { requireServices } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import { parseBound, parseSpeed, type Speed } from "../../replay/bounds.ts";
import { estimateSeconds } from "../../replay/estimate.ts";
import { type Onlooker, type ReplayResult, replay } from "../../replay/replay.ts";
import { FIRST, makeReplayPlan, type ReplayPlan, type ReplayRequest } from "../../replay/replay-plan.ts";
import { beginOrResume, inspectTarget, openTarget } from "../../replay/target.ts";
import { checkTopics, requireGoodTopics } from "../../topic/check-topics.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { answering } from "../answering.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { uuidOf, wrong } from "../flags.ts";
import { pickConsumers } from "../flow/consume.ts";
import { otherDatabase } from "../services.ts";
import { planText, resultText } from "./replay-text.ts";
import { watchReplay } from "./watch-replay.ts";

interface ReplayFlags {
  readonly into?: string;
  readonly intoFile?: string;
  readonly topics?: string;
  readonly from: string;
  readonly until: string;
  readonly session?: string;
  readonly excludeSessions?: boolean;
  readonly speed: string;
  readonly dryRun?: boolean;
  readonly resume?: boolean;
  readonly add?: boolean;
}

export const replayCommand: CommandSpec<ReplayFlags> = {
  name: "replay",
  summary: "fill a fresh database from the topics, to the ends that they have now, and verify it",
  examples: [
    "tradetape replay --into postgres://user@host/fresh         everything there is; again, to resume",
    "tradetape replay --into ... --dry-run                      what that would be",
    "tradetape replay --into ... --topics ticks,bars --from 2026-03-02T09:30:00-05:00",
    "tradetape replay --into ... --session ID --speed 10x       one session, ten times as fast as it was",
  ],
  isService: true,
  isServed: true,
  declare: (command) => {
    command.option("--into <url>", "the database to fill, as postgres://...");
    command.option(
      "--into-file <path>",
      "the same, by a file that the URL stands in: no password is on the command line",
    );
    command.option("--topics <list>", "these only, beside symbols and sessions, which always come whole");
    command.option("--from <place>", "beginning, a time with its zone, or offsets as in ticks/0:1200", "beginning");
    command.option("--until <place>", "end, a time with its zone, or offsets; up to there, without it", "end");
    command.option("--session <id>", "events of this session only");
    command.option("--exclude-sessions", "events of no session only");
    command.option("--speed <speed>", "max, 1x or 10x as fast as it happened, or events a second (500/s)", "max");
    command.option("--dry-run", "show the plan, or what the target is refused for, and change nothing");
    command.option("--resume", "go on with a replay that was begun, and begin none");
    command.option("--add", "land beside rows that the database holds");
  },
  run: async (session, _args, flags) => {
    const speed = parseSpeed(flags.speed);
    const request = requestOf(flags);
    const databaseUrl = otherDatabase(session.config, { flag: "--into", url: flags.into, file: flags.intoFile });
    if (databaseUrl === undefined) throw wrong("replay without a database", "--into URL, or --into-file PATH");
    const filled = { ...session.config, databaseUrl };
    const config = requireServices(filled, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
    const plan = await withAdmin(openKafka(config, session.log), async (admin) => {
      requireGoodTopics(await checkTopics(admin, config));
      return makeReplayPlan(admin, config, request, CONSUMERS);
    });
    return flags.dryRun
      ? dryRun(session, config.databaseUrl, plan, flags)
      : fill({ ...session, config }, plan, flags, speed);
  },
};

async function dryRun({ out }: Session, url: string, asked: ReplayPlan, flags: ReplayFlags): Promise<ExitCode> {
  const before = await inspectTarget(url, asked, CONSUMERS, targetOptions(flags));
  const plan = before?.plan ?? asked;
  const resumes = before?.runId ?? null;
  out.result({ ...plan, resumes, estimatedSeconds: estimateSeconds(plan) }, () =>
    [
      planText(plan),
      ...(before ? [`it would go on with the replay ${before.runId}, begun ${before.startedAt}`] : []),
    ].join("\n"),
  );
  return EXIT.good;
}

const targetOptions = (flags: ReplayFlags) => ({ resume: flags.resume === true, add: flags.add === true });

async function fill(session: Session, plan: ReplayPlan, flags: ReplayFlags, speed: Speed): Promise<ExitCode> {
  const { config, log, out, progress, signal, force, served } = session;
  const target = await openTarget(config.databaseUrl!);
  const onlooker = watchReplay(progress, out.json);
  const phase = { state: "starting" };
  const told: Onlooker = {
    ...onlooker,
    phase: (state, text) => {
      phase.state = state;
      onlooker.phase(state, text);
    },
  };
  served?.began({ faults: () => [], services: answering(config, log), status: async () => phase });
  let result: ReplayResult | undefined;
  try {
    const { run, isResumed } = await beginOrResume(target.owner, plan, CONSUMERS, targetOptions(flags));
    if (!out.json) progress.line(planText(run.plan));
    if (isResumed) onlooker.say(`going on with the replay ${run.runId}, begun ${run.startedAt}`);
    const names = run.plan.topics.map(({ topic }) => topic);
    const consumers = CONSUMERS.filter(({ topic }) => names.includes(topic));
    const actor = userName();
    const watching = {
      run,
      consumers,
      all: CONSUMERS,
      speed,
      actor,
      stop: signal,
      force,
      onlooker: told,
      meter: served?.meters.landed,
    };
    result = await replay(target.owner, config, log, watching);
  } finally {
    onlooker.end();
    await target.close();
  }
  progress.close();
  if (result === undefined) {
    onlooker.say("stopped; what was in hand has landed. The same command goes on from here.");
    return EXIT.interrupted;
  }
  const found = result;
  out.result(found, () => resultText(found));
  return found.ok && found.missingParent === 0 ? EXIT.good : EXIT.foundWrong;
}

/** @throws TradetapeError input_invalid */
function requestOf(flags: ReplayFlags): ReplayRequest {
  return {
    consumers: consumersOf(flags.topics),
    from: parseBound("--from", flags.from, "beginning"),
    until: parseBound("--until", flags.until, "end"),
    sessions: sessionsOf(flags),
  };
}

function consumersOf(topics: string | undefined): readonly Consumer[] {
  const picked = pickConsumers(topics === undefined ? [] : topics.split(",").map((topic) => topic.trim()));
  return CONSUMERS.filter((consumer) => FIRST.includes(consumer.topic) || picked.includes(consumer));
}

function sessionsOf({ session, excludeSessions }: ReplayFlags): Sessions {
  if (session !== undefined && excludeSessions) {
    throw new TradetapeError("input_invalid", "--session and --exclude-sessions can't both be meant", {
      next: "Give one of them.",
    });
  }
  if (excludeSessions) return "none";
  if (session === undefined) return "all";
  return { only: uuidOf("--session", session, "a session's UUID") };
}

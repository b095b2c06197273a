import { TradetapeError } from "../../errors.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { requireEverybody } from "../../signature/known-keys.ts";
import type { Consumer } from "../consumer.ts";
import { sumUp } from "../sum-up.ts";
import { emptyTally, type Tally } from "../tally.ts";
import { catchUp, type Ends, endsOf, remaining } from "./catch-up.ts";
import { GroupKeeper, type Retries } from "./group-keeper.ts";
import { AFTERWARDS, type GroupState } from "./group-state.ts";
import type { LandingServices } from "./landing-services.ts";
import { watchOutboxes } from "./outbox-watch.ts";
import { refusePartial } from "./refuse-partial.ts";
import { tellGroupStates, tellLastStates } from "./tell-states.ts";
import { requireAlone, watchTwins } from "./twin-watch.ts";

interface ConsumeOptions {
  /** Ends the call when what the topics held at its start has landed, but for what a stopped group leaves behind. */
  readonly untilCaughtUp: boolean;
  /** Ends the call when any group has ended by itself. */
  readonly failFast?: boolean;
  /** Aborting asks for a stop: what is queued lands first. */
  readonly stop: AbortSignal;
  /** Aborting drops what has not committed. */
  readonly force: AbortSignal;
  /** Called now and then with what has landed so far, and what each group does. */
  readonly onProgress?: (progress: readonly ConsumeProgress[]) => void;
}

export interface ConsumeProgress {
  readonly topic: EventTopic;
  /** Records landed since the start, and, when there is an end, how many there were to land. */
  readonly landed: number;
  readonly total: number | undefined;
  readonly state: GroupState;
  /** Whether its group has been started ever. */
  readonly hasStarted: boolean;
}

/** What a call of `consume` came to. */
export interface Consumed {
  /** What it landed, by topic. */
  readonly tallies: readonly Tally[];
  /** What stopped groups that are stopped still; undefined where all run, or somebody asked for the end. */
  readonly failure: TradetapeError | undefined;
}

const PROGRESS_MS = 250;

/**
 * Runs the groups of these consumers until a stop is asked for, or until they have caught up. A group that ends by itself
 * leaves the others running and is tried again (`GroupKeeper`); the call ends when all are stopped and need help.
 *
 * Catching up runs the audit topic's group after the others, up to the end that their outboxes have given the topic, so that
 * the trail has all that this call landed. It ends with sweeps until no parked event finds its parent any more.
 * @throws file_unusable, replay_partial, database_copied, and a plain error that ended a group, after the others have stopped
 */
export async function consume(
  services: LandingServices,
  consumers: readonly Consumer[],
  options: ConsumeOptions,
): Promise<Consumed> {
  requireEverybody(services.config, services.knownKeys);
  await refusePartial(services, consumers);
  await requireAlone(
    services,
    consumers.map(({ topic }) => topic),
    options.stop,
  );
  if (!options.untilCaughtUp) return outcomeOf(await runGroups(services, consumers, options), []);
  const before = consumers.filter((consumer) => consumer.topic !== "audit");
  const last = consumers.filter((consumer) => consumer.topic === "audit");
  const keepers: GroupKeeper[] = [];
  const left: Consumer[] = [];
  for (const wave of [before, last]) {
    if (options.stop.aborted || wave.length === 0) left.push(...wave);
    else keepers.push(...(await runGroups(services, wave, options, await endsOf(services, wave))));
  }
  return outcomeOf(keepers, left);
}

const outcomeOf = (keepers: readonly GroupKeeper[], left: readonly Consumer[]): Consumed => ({
  tallies: [...keepers.map(({ tally }) => tally), ...left.map(({ topic }) => emptyTally(topic))],
  failure: failureOf(keepers.flatMap(({ endedBy }) => endedBy ?? [])),
});

/** What stopped groups as one error, now that the run is over; each message names its topic. */
function failureOf(errors: readonly TradetapeError[]): TradetapeError | undefined {
  const [first] = errors;
  if (first === undefined) return undefined;
  const canRetry = errors.every((error) => error.canRetry);
  const steps = new Set(errors.flatMap((error) => error.next ?? []));
  // Of an error that passes, the command says itself that it may succeed later.
  const next = [...steps, ...(canRetry ? [] : [AFTERWARDS.over])].join("\n");
  if (errors.length === 1) {
    const { code, message, facts = {}, cause } = first;
    return new TradetapeError(code, message, { next, canRetry, facts, cause });
  }
  const message = errors.map((error) => `${error.code}: ${error.message}`).join("\n");
  return new TradetapeError("groups_stopped", `${errors.length} groups stopped\n${message}`, { next, canRetry });
}

/** @param ends where the call ends by itself: what is to land before */
async function runGroups(
  services: LandingServices,
  consumers: readonly Consumer[],
  options: ConsumeOptions,
  ends?: Ends,
): Promise<readonly GroupKeeper[]> {
  const { failFast = false, force } = options;
  const total: ReadonlyMap<string, number> = ends ? await remaining(services, ends) : new Map();
  const ended = new AbortController();
  const over = AbortSignal.any([options.stop, ended.signal]);
  const retries: Retries = failFast ? "none" : ends ? "waiting" : "all";
  const onEnd = () => {
    const isNoneLeft = keepers.every(({ needsHelp }) => needsHelp);
    if (failFast || isNoneLeft) ended.abort();
  };
  const keepers = consumers.map((consumer) => new GroupKeeper({ services, consumer, retries, force, onEnd }));
  const report = () =>
    options.onProgress?.(
      keepers.map(({ tally, state, hasStarted }) => ({
        topic: tally.topic,
        hasStarted,
        landed: tally.read,
        total: total.get(tally.topic),
        state,
      })),
    );
  const endReports = services.clock.every(PROGRESS_MS, report);
  const landed = () => keepers.map(({ tally: { topic, ...counts } }) => [{ topic }, counts] as const);
  const endSummaries = sumUp(services, "landed", landed);
  const running = keepers.map((keeper) => keeper.run(over));
  const kept = Promise.all(running);
  const groups = () => keepers.flatMap(({ group }) => group ?? []);
  try {
    await Promise.race([
      kept,
      watchOutboxes(services, groups, over),
      tellGroupStates(services, keepers, over),
      watchTwins(
        services,
        keepers.map(({ topic }) => topic),
        over,
      ),
      ...(ends ? [catchUp(services, keepers, ends, over)] : []),
    ]);
  } finally {
    ended.abort();
    await Promise.allSettled(running);
    endReports();
    report();
    endSummaries();
  }
  await kept;
  const isCutShort = !ends || (failFast && keepers.some(({ endedBy }) => endedBy));
  await tellLastStates(services, keepers, options.stop.aborted ? "stopped" : isCutShort ? "trouble" : "caughtUp");
  return keepers;
}

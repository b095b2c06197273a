import { setTimeout as sleep } from "node:timers/promises";
import { changeSetting, endSessions, readOnlySpell, revokeRight } from "./database-faults.ts";
import type { Dice } from "./dice.ts";
import type { Member } from "./member.ts";
import type { ServiceName, Services } from "./services.ts";
import { driftSchema, growPartitions, type OwnEvents, poisonTopic } from "./topic-faults.ts";

/** What faults can be done to. */
export interface Targets {
  readonly services: Services;
  readonly consumers: readonly Member[];
  readonly producers: readonly Member[];
  /** A consumer that isn't always there: its coming and going makes rebalances. */
  readonly visitor: Member;
  /** What faults publish. */
  readonly own: OwnEvents;
}

export interface DoneFault {
  readonly atMs: number;
  readonly kind: string;
}

/** Consumers run with the shortest session timeout that brokers allow; a stop of this long outlasts it. */
export const SESSION_TIMEOUT_MS = 6000;
const FROZEN_MS = [8000, 14_000] as const;
const SERVICE_AWAY_MS = [0, 6000] as const;
const MEMBER_AWAY_MS = [0, 5000] as const;
const VISIT_MS = [5000, 15_000] as const;
/** Between two faults; sometimes longer, so that recoveries end as well as being cut short. */
const PAUSE_MS = [1000, 5000] as const;
const CALM_MS = [10_000, 15_000] as const;
const CALM_SHARE = 0.15;

type Fault = (targets: Targets, dice: Dice) => (() => Promise<void>) | undefined;

const pause = (dice: Dice, [low, high]: readonly [number, number]) => sleep(dice.between(low, high));

/** A member that no other fault has in hand, held while `work` runs. */
function withMember(members: readonly Member[], dice: Dice, work: (member: Member) => Promise<void>) {
  const free = members.filter(({ isBusy }) => !isBusy);
  if (free.length === 0) return undefined;
  const member = dice.pick(free);
  return async () => {
    member.isBusy = true;
    try {
      await work(member);
    } finally {
      member.isBusy = false;
    }
  };
}

const killed = (dice: Dice) => async (member: Member) => {
  await member.kill();
  await pause(dice, MEMBER_AWAY_MS);
  member.start();
};

/** One service at a time: two that are away together tell nothing more than one after the other. */
let isServiceAway = false;

const serviceEnded =
  (name: ServiceName, signal: NodeJS.Signals): Fault =>
  ({ services }, dice) => {
    if (isServiceAway) return undefined;
    return async () => {
      isServiceAway = true;
      try {
        await services.end(name, signal);
        await pause(dice, SERVICE_AWAY_MS);
        await services.restore();
      } finally {
        isServiceAway = false;
      }
    };
  };

/** What somebody does to a service that runs; of each kind one at a time. */
function done(work: (services: Services, dice: Dice, own: OwnEvents) => Promise<unknown>): Fault {
  let isUnderWay = false;
  return ({ services, own }, dice) => {
    if (isUnderWay) return undefined;
    return async () => {
      isUnderWay = true;
      try {
        await work(services, dice, own);
      } finally {
        isUnderWay = false;
      }
    };
  };
}

/** What there is, with how often each is to come beside the others. */
const FAULTS: Readonly<Record<string, readonly [weight: number, fault: Fault]>> = {
  "kill -9 of a consumer": [5, ({ consumers }, dice) => withMember(consumers, dice, killed(dice))],
  "kill -9 of a producer": [2, ({ producers }, dice) => withMember(producers, dice, killed(dice))],
  "consumer frozen beyond its session": [
    3,
    ({ consumers }, dice) =>
      withMember(consumers, dice, async (member) => {
        member.signal("SIGSTOP");
        await pause(dice, FROZEN_MS);
        member.signal("SIGCONT");
      }),
  ],
  "consumer stopped and started": [
    2,
    ({ consumers }, dice) =>
      withMember(consumers, dice, async (member) => {
        await member.stop();
        await pause(dice, MEMBER_AWAY_MS);
        member.start();
      }),
  ],
  "consumer added and removed": [
    2,
    ({ visitor }, dice) =>
      withMember([visitor], dice, async (member) => {
        member.start();
        await pause(dice, VISIT_MS);
        await member.stop();
      }),
  ],
  "broker kill -9": [2, serviceEnded("kafka", "SIGKILL")],
  "broker stopped (SIGTERM)": [1, serviceEnded("kafka", "SIGTERM")],
  "PostgreSQL immediate shutdown": [3, serviceEnded("postgres", "SIGQUIT")],
  "PostgreSQL fast shutdown (SIGINT)": [1, serviceEnded("postgres", "SIGINT")],
  "registry kill -9": [1, serviceEnded("registry", "SIGKILL")],
  "sessions ended by pg_terminate_backend": [2, done(endSessions)],
  "database read-only for a while": [2, done(readOnlySpell)],
  "settings changed by ALTER DATABASE or ROLE": [3, done(changeSetting)],
  "right revoked and granted": [2, done(revokeRight)],
  "topic given more partitions": [1, done(growPartitions)],
  "newer schema registered and written": [1, done(driftSchema)],
  "topic poisoned, and set aside": [0.5, done(poisonTopic)],
};

export const FAULT_KINDS = Object.keys(FAULTS);

function choose(dice: Dice): string {
  const total = Object.values(FAULTS).reduce((sum, [weight]) => sum + weight, 0);
  let at = dice.next() * total;
  for (const [kind, [weight]] of Object.entries(FAULTS)) {
    at -= weight;
    if (at < 0) return kind;
  }
  throw new Error("the dice rolled beyond the last fault");
}

/**
 * Does faults until `untilMs`, several at a time as they come; resolves when the last has been undone.
 * @throws what kept a fault from being done or undone: the run can't tell anything then
 */
export async function doFaults(
  targets: Targets,
  dice: Dice,
  untilMs: number,
  onFault: (fault: DoneFault) => void,
): Promise<void> {
  const running = new Set<Promise<void>>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  while (Date.now() < untilMs) {
    const kind = choose(dice);
    const fault = FAULTS[kind]![1](targets, dice);
    if (fault === undefined) continue;
    onFault({ atMs: Date.now(), kind });
    const done: Promise<void> = fault().finally(() => running.delete(done));
    done.catch(failed.reject);
    running.add(done);
    const wait = pause(dice, dice.happens(CALM_SHARE) ? CALM_MS : PAUSE_MS);
    await Promise.race([wait, failed.promise]);
  }
  await Promise.race([Promise.all(running), failed.promise]);
}

import { hostname } from "node:os";
import { pid } from "node:process";
import { TELL_MS, type ToldState, tellStates } from "../../table/checks/group-states.ts";
import type { Connection } from "../../table/connection.ts";
import { topicName } from "../../topic/topics.ts";
import { judge } from "../patience.ts";
import type { GroupState } from "./group-state.ts";
import type { LandingServices } from "./landing-services.ts";

/** A change is told within so long. */
const LOOK_MS = 1000;
const PROCESS = `${hostname()}/${pid}`;

interface Telling {
  readonly topic: Parameters<typeof topicName>[1];
  readonly state: GroupState;
}

/**
 * Tells other processes by the database what the groups do: at each change, and every TELL_MS, by which `tradetape status`
 * knows that this process is there. While the database is away nothing is told, and what is true then when it is back.
 * @returns when `over` is aborted
 * @throws what no retry mends
 */
export async function tellGroupStates(
  services: LandingServices,
  groups: readonly Telling[],
  over: AbortSignal,
): Promise<void> {
  const { clock } = services;
  let told = "";
  let toldMs = Number.NEGATIVE_INFINITY;
  while (!over.aborted) {
    const states = groups.map((group) => toldState(services, group));
    const text = JSON.stringify(states);
    if (text !== told || clock.now() - toldMs >= TELL_MS) {
      if (await ask(services, (connection) => tellStates(connection, PROCESS, states))) {
        told = text;
        toldMs = clock.now();
      }
    }
    await clock.sleep(LOOK_MS, over).catch(() => undefined);
  }
}

/** Why a run ended, as people are told of its groups that nothing was wrong with. */
export const RUN_ENDS = {
  caughtUp: "its run has landed what there was to land",
  stopped: "its run was told to stop",
  trouble: "its run ended because of another group's trouble",
} as const;

/** Tells at the end of a run how each group ended: what stopped it, or why the run ended. */
export async function tellLastStates(
  services: LandingServices,
  groups: readonly Telling[],
  end: keyof typeof RUN_ENDS,
): Promise<void> {
  const endedAt = new Date().toISOString();
  const states = groups.map((group): ToldState => {
    const told = toldState(services, group);
    if (told.state === "stopped") return { ...told, retryAt: null, endedAt };
    return { ...NOTHING, topic: told.topic, state: "ended", since: endedAt, reason: RUN_ENDS[end], endedAt };
  });
  await ask(services, (connection) => tellStates(connection, PROCESS, states));
}

/** @returns whether the database has answered */
async function ask(
  { questions }: LandingServices,
  question: (connection: Connection) => Promise<void>,
): Promise<boolean> {
  try {
    await questions.use(question);
    return true;
  } catch (error) {
    const judgement = judge(error, "group states");
    if (judgement !== "retry") throw judgement;
    return false;
  }
}

const NOTHING = { since: null, code: null, reason: null, next: null, retryAt: null, endedAt: null, letters: null };

/** A group that runs waits all the same for partitions that another database's processes have. */
function toldState({ config, beats }: LandingServices, telling: Telling): ToldState {
  const { topic } = telling;
  const state =
    telling.state.state === "running" && beats.twin ? { state: "waiting" as const, ...beats.twin } : telling.state;
  const told = { ...NOTHING, topic: topicName(config.namespace, topic), state: state.state };
  if (state.state === "running") return told;
  const waits = { ...told, reason: state.reason, since: state.since.toISOString() };
  if (state.state === "waiting") return waits;
  const { code, next = null, retryAt, letters = null } = state;
  return { ...waits, code, next, retryAt: retryAt?.toISOString() ?? null, letters };
}

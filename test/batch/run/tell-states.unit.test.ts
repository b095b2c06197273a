import { pino } from "pino";
import { expect, test } from "vitest";
import { OwnBeats } from "../../../src/batch/run/beat-note.ts";
import type { GroupState } from "../../../src/batch/run/group-state.ts";
import { tellGroupStates } from "../../../src/batch/run/tell-states.ts";
import type { Connection } from "../../../src/table/connection.ts";

/** What is told of one group, in one look. */
async function told(state: GroupState, beats: OwnBeats): Promise<object> {
  const over = new AbortController();
  const states: object[] = [];
  const run = async (_: string, values: readonly unknown[]) => {
    if (typeof values[1] === "string") states.push(...JSON.parse(values[1]));
  };
  const inOneTrip = (ask: () => readonly Promise<unknown>[]) => Promise.all(ask());
  const services = {
    clock: { now: () => 0, sleep: async () => over.abort() },
    config: { namespace: "paper" },
    log: pino({ level: "silent" }),
    questions: {
      use: (work: (connection: Connection) => unknown) => work({ run, inOneTrip } as unknown as Connection),
    },
    beats,
  } as unknown as Parameters<typeof tellGroupStates>[0];
  await tellGroupStates(services, [{ topic: "ticks", state }], over.signal);
  return states[0]!;
}

const since = new Date(0);

test("a group that runs is told to wait while another database has some of its partitions", async () => {
  const beats = new OwnBeats();
  expect(await told({ state: "running" }, beats)).toMatchObject({
    topic: "paper.ticks",
    state: "running",
    reason: null,
  });
  beats.twin = { reason: "another database", since };
  expect(await told({ state: "running" }, beats)).toMatchObject({ state: "waiting", reason: "another database" });
});

test("what a group waits for by itself, or was stopped by, comes before that", async () => {
  const beats = new OwnBeats();
  beats.twin = { reason: "another database", since };
  expect(await told({ state: "waiting", reason: "PostgreSQL", since }, beats)).toMatchObject({ reason: "PostgreSQL" });
  const stopped = { state: "stopped", code: "history_lost", reason: "gone", next: undefined, since } as const;
  expect(await told({ ...stopped, retryAt: undefined, letters: undefined }, beats)).toMatchObject({
    code: "history_lost",
  });
});

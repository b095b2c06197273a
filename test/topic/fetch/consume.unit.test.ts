import type { Kafka } from "kafkajs";
import { expect, it } from "vitest";
import { GroupMember } from "../../../src/topic/fetch/consume.ts";

/** kafkajs's consumer, as far as a member without a broker needs it: without a group, it can be told nothing. */
function stubbed() {
  const told: string[] = [];
  const listeners = new Map<string, (event: { payload: object }) => void>();
  let hasGroup = false;
  const tell = (what: string) => () => {
    if (!hasGroup) throw new Error("Consumer group was not initialized, consumer#run must be called first");
    told.push(what);
  };
  const consumer = {
    events: { STOP: "STOP", GROUP_JOIN: "GROUP_JOIN", CRASH: "CRASH", END_BATCH_PROCESS: "END_BATCH_PROCESS" },
    on: (name: string, listener: (event: { payload: object }) => void) => listeners.set(name, listener),
    connect: async () => {},
    subscribe: async () => {},
    run: async () => {},
    pause: tell("pause"),
    resume: tell("resume"),
    seek: tell("seek"),
  };
  return {
    kafka: { consumer: () => consumer } as unknown as Kafka,
    told,
    join() {
      hasGroup = true;
      listeners.get("GROUP_JOIN")!({ payload: { memberAssignment: { ticks: [0] } } });
    },
    leave() {
      hasGroup = false;
      listeners.get("STOP")!({ payload: {} });
    },
  };
}

it("tells kafkajs nothing of a partition that is let go or sought while it has no group", async () => {
  const { kafka, told, join, leave } = stubbed();
  const options = { groupId: "g", topicName: "ticks", fetchPartitionBytesMax: 1024, sessionTimeoutMs: 6000 };
  const member = new GroupMember(kafka, options);
  await member.start({ onAssigned() {}, async onBatch() {}, onMarkers() {}, onCrash() {} });
  join();
  member.hold(0);
  member.hold(1);
  leave();
  member.letGo(0);
  member.seek(1, 5);
  expect(told).toEqual(["pause", "pause"]);
  join();
  member.hold(0);
  member.letGo(0);
  member.seek(1, 5);
  expect(told.slice(2)).toEqual(["pause", "resume", "seek"]);
});

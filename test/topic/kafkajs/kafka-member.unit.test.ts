import type { Kafka } from "tradetape-kafkajs";
import { describe, expect, it } from "vitest";
import type { Log } from "../../../src/log.ts";
import { KafkaMember } from "../../../src/topic/kafkajs/kafka-member.ts";
import { outagesOf } from "../../../src/topic/kafkajs/outages.ts";
import type { MemberHandlers } from "../../../src/topic/log-client.ts";
import { recordBatch } from "../../../src/topic/patch/produce-request.ts";
import { readRecordBatches } from "../../../src/topic/wire/read-batches.ts";
import { RecordBatch } from "../../../src/topic/wire/record-batch.ts";
import { RecordWriter } from "../../../src/topic/wire/record-writer.ts";
import { batchBytes, plain } from "../wire/batch-bytes.ts";

type Payload = Readonly<Record<string, unknown>>;
type Listener = (event: { payload: Payload }) => void;

/** What kafkajs's consumer tells. */
const EVENTS = ["STOP", "GROUP_JOIN", "HEARTBEAT", "CRASH", "COMMIT_OFFSETS"];

/** A clock that goes on by `pass` alone. */
function steppedClock() {
  let nowMs = 0;
  const looks: (() => void)[] = [];
  const clock = {
    sleep: () => new Promise<void>((resolve) => setImmediate(resolve)),
    now: () => nowMs,
    every: (_ms: number, look: () => void) => {
      looks.push(look);
      return () => void looks.splice(0);
    },
  };
  const pass = (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      nowMs += 1000;
      for (const look of looks) look();
    }
  };
  return { clock, pass };
}

/** A log of which only warnings are kept, each up to its colon behind the seconds that it names. */
function warnings() {
  const logged: string[] = [];
  const warn = ({ seconds }: { seconds?: number }, text: string) =>
    logged.push(`${seconds ?? "-"} ${text.split(":")[0]}`);
  const log = { warn } as unknown as Log; // all that it is asked
  return { logged, log };
}

/** A member on kafkajs's consumer as far as it goes without a broker: without a group, it can be told nothing. */
async function started(assignment: "shared" | "sole", change: Partial<MemberHandlers> = {}) {
  const told: string[] = [];
  const heard: string[] = [];
  const listeners: (readonly [string, Listener])[] = [];
  let hasGroup = false;
  let eachBatch: (payload: Payload) => Promise<void> = () => Promise.reject(new Error("it doesn't run"));
  const tell = (what: string) => () => {
    if (!hasGroup) throw new Error("Consumer group was not initialized, consumer#run must be called first");
    told.push(what);
  };
  const emit = (name: string, payload: Payload) => {
    for (const [heard, listener] of listeners) if (heard === name) listener({ payload });
  };
  const join = (memberId: string) => emit("GROUP_JOIN", { memberId, memberAssignment: { ticks: [0, 1] } });
  const leave = () => {
    hasGroup = false;
    emit("STOP", {});
  };
  const consumer = {
    events: Object.fromEntries(EVENTS.map((name) => [name, name])),
    on: (name: string, listener: Listener) => {
      const entry = [name, listener] as const;
      listeners.push(entry);
      return () => listeners.splice(listeners.indexOf(entry), 1);
    },
    // kafkajs answers alike where it wrote nothing, because its runner had ended meanwhile.
    commitOffsets: async (offsets: { topic: string; partition: number; offset: string }[]) => {
      const topics = offsets.map(({ topic, ...one }) => ({ topic, partitions: [one] }));
      if (hasGroup) emit("COMMIT_OFFSETS", { topics });
    },
    connect: async () => {},
    subscribe: async () => {},
    run: async (options: { eachBatch: typeof eachBatch }) => {
      eachBatch = options.eachBatch;
      hasGroup = true;
      join("m1");
    },
    disconnect: async () => leave(),
    pause: tell("pause"),
    resume: tell("resume"),
    seek: tell("seek"),
  };
  const kafka = { consumer: () => consumer } as unknown as Kafka;
  const options = { groupId: "g", topicNames: ["ticks"], fetchPartitionBytesMax: 1024, sessionTimeoutMs: 6000 };
  const { clock, pass } = steppedClock();
  const { logged, log } = warnings();
  const member = new KafkaMember(kafka, { ...options, assignment }, log, clock);
  await member.start({
    onAssigned: (all) => heard.push(`assigned ${all.map(({ topicName, partition }) => topicName + partition)}`),
    onLeft: () => heard.push("left"),
    onBatch: async ({ records }) => void heard.push(`batch of ${records.count}`),
    onCrash: (error) => heard.push(`crash: ${(error as Error).message}`),
    ...change,
  });
  return {
    member,
    log,
    told,
    heard,
    logged,
    pass,
    emit,
    join,
    leave,
    consumer,
    take: (batch: Payload) => eachBatch(batch),
  };
}

/** What kafkajs hands over of partition 0 from offset 7 on, and the offsets that are resolved of it. */
function fetched({ isControl = false, heartbeat = async () => {}, bend = (_: Buffer) => {} } = {}) {
  const writer = new RecordWriter(0);
  writer.add(null, Buffer.from("a"));
  bend(writer.bytes);
  const bytes = recordBatch(writer, 0);
  bytes.writeBigInt64BE(7n, 0);
  if (isControl) bytes[22] = 0x20;
  const resolved: string[] = [];
  const batch = {
    topic: "ticks",
    partition: 0,
    fetchedOffset: "7",
    highWatermark: "8",
    messagesWithinOffset: [new RecordBatch(bytes, writer.bytes)],
    lastOffset: () => "7",
  };
  const resolveOffset = (offset: string) => resolved.push(offset);
  return { resolved, payload: { batch, heartbeat, resolveOffset, isStale: () => false } };
}

const at = (partition: number) => ({ topicName: "ticks", partition });
const outage = () => Object.assign(new Error("connect ECONNREFUSED"), { name: "KafkaJSConnectionError" });

describe.each(["shared", "sole"] as const)("a member of a group with %s assignment", (assignment) => {
  it("tells kafkajs nothing while it has no group, and holds anew what kafkajs forgot with the group", async () => {
    const { member, told, leave, consumer } = await started(assignment);
    member.hold(at(0));
    member.hold(at(0));
    member.hold(at(1));
    expect(told.splice(0)).toEqual(["pause", "pause"]);
    leave();
    member.letGo(at(0));
    member.seek(at(1), 5);
    member.hold(at(0));
    expect(told).toEqual([]);
    await consumer.run({ eachBatch: async () => {} });
    member.hold(at(0));
    member.letGo(at(0));
    member.seek(at(1), 5);
    expect(told).toEqual(["pause", "resume", "seek"]);
  });

  it("says that marks were not written where kafkajs answers as if they were", async () => {
    const { member, leave, consumer } = await started(assignment);
    const marks = [
      { ...at(0), offset: 7, note: "a" },
      { ...at(1), offset: 9, note: "b" },
    ];
    await member.mark(marks);
    leave();
    await expect(member.mark(marks)).rejects.toThrow("weren't written");
    await consumer.run({ eachBatch: async () => {} });
    await member.mark(marks);
  });

  it("stays paused, whatever is held, let go or sought, and when it joins again", async () => {
    const { member, told, leave, consumer } = await started(assignment);
    member.hold(at(0));
    member.pause();
    expect(told.splice(0)).toEqual(["pause", "pause"]);
    member.hold(at(1));
    member.letGo(at(0));
    expect(told).toEqual([]);
    member.seek(at(1), 5);
    leave();
    await consumer.run({ eachBatch: async () => {} });
    expect(told).toEqual(["seek", "pause"]);
  });

  it("hears that it was out of the group when it has joined as another member, and not in a rebalance", async () => {
    const { heard, join } = await started(assignment);
    const assigned = "assigned ticks0,ticks1";
    join("m1");
    join("m2");
    expect(heard).toEqual([assigned, assigned, "left", assigned]);
  });

  it("joins again where kafkajs has given the group up in an outage", async () => {
    const { heard, leave, emit } = await started(assignment);
    leave();
    emit("CRASH", { restart: false, error: outage() });
    const assigned = "assigned ticks0,ticks1";
    await expect.poll(() => heard).toEqual([assigned, "left", assigned]);
  });

  it.each([
    ["joins again when the broker is still away at the first try", outage(), "assigned ticks0,ticks1"],
    ["ends where the next try finds what no retry helps with", new Error("no rights"), /^crash: .* no rights$/],
  ])("%s", async (_, again, last) => {
    const { heard, leave, emit, consumer } = await started(assignment);
    const refusals = [again];
    consumer.connect = async () => {
      const refusal = refusals.pop();
      if (refusal !== undefined) throw refusal;
    };
    leave();
    emit("CRASH", { restart: false, error: outage() });
    await expect.poll(() => heard[2]).toMatch(last);
  });

  it("ends where no retry would help, and says so", async () => {
    const { heard, leave, emit } = await started(assignment);
    leave();
    emit("CRASH", { restart: false, error: new Error("no rights") });
    expect(heard.at(-1)).toBe("crash: the consumer group of ticks ended: no rights");
  });

  it("leaves what kafkajs restarts to kafkajs", async () => {
    const { heard, leave, emit } = await started(assignment);
    leave();
    emit("CRASH", { restart: true, error: outage() });
    expect(heard.slice(1)).toEqual(["left"]);
  });

  it("ends over an error of its handler, also over a fetch of markers only, and resolves nothing", async () => {
    const onBatch = async () => {
      throw new Error("history");
    };
    const { heard, take } = await started(assignment, { onBatch });
    const { payload, resolved } = fetched({ isControl: true });
    await take(payload);
    expect([heard.at(-1), resolved]).toEqual(["crash: history", []]);
  });

  it("hands over one record for a batch that is damaged", async () => {
    const { heard, take } = await started(assignment);
    const { payload } = fetched({ bend: (records) => records.writeUInt8(0x7e) });
    await take(payload);
    expect(heard.at(-1)).toBe("batch of 1");
  });

  it("resolves no more than it opened of what grows large", async () => {
    const { heard, take } = await started(assignment);
    const { payload, resolved } = fetched();
    const value = Buffer.alloc(9 * 2 ** 20);
    const large = await Promise.all([7, 8].map((at) => batchBytes([{ ...plain(""), value }], at, { compression: 1 })));
    const messagesWithinOffset = readRecordBatches(Buffer.concat(large), 7);
    await take({ ...payload, batch: { ...payload.batch, messagesWithinOffset, lastOffset: () => "8" } });
    expect([heard.at(-1), resolved]).toEqual(["batch of 1", ["7"]]);
  });

  it("throws kafkajs's rebalance on, and goes on", async () => {
    const rebalance = new Error("rebalance");
    const onBatch = (_: unknown, heartbeat: () => Promise<void>) => heartbeat();
    const { heard, take } = await started(assignment, { onBatch });
    const { payload, resolved } = fetched({ heartbeat: () => Promise.reject(rebalance) });
    await expect(take(payload)).rejects.toBe(rebalance);
    expect([heard.length, resolved]).toEqual([1, []]);
  });

  it("resolves what was handled, a fetch of markers only included", async () => {
    const { heard, take } = await started(assignment);
    for (const isControl of [false, true]) {
      const { payload, resolved } = fetched({ isControl });
      await take(payload);
      expect(resolved).toEqual(["7"]);
    }
    expect(heard.slice(1)).toEqual(["batch of 1", "batch of 0"]);
  });

  it("says in the log that it has had no group for ten seconds, again every minute, and when that is over", async () => {
    const { logged, pass, emit, member, leave } = await started(assignment);
    for (let n = 0; n < 10; n++) {
      pass(9);
      emit("HEARTBEAT", {});
    }
    expect(logged).toEqual([]);
    leave();
    pass(131);
    emit("HEARTBEAT", {});
    const none = "no assignment from Kafka";
    expect(logged).toEqual([`10 ${none}`, `70 ${none}`, `130 ${none}`, "- the group is there again"]);
    await member.stop();
    pass(60);
    expect(logged).toHaveLength(4);
  });

  it("says so after a minute only while the log says that a broker is away", async () => {
    const { logged, pass, leave, log } = await started(assignment);
    const none = "no assignment from Kafka";
    leave();
    outagesOf(log).failed("a:1", "Connection error");
    pass(59);
    expect(logged.slice(1)).toEqual([]);
    pass(1);
    expect(logged.slice(1)).toEqual([`60 ${none}`]);
  });

  it("goes without a word where the group's broker doesn't answer until its session is over anyway", async () => {
    const { member, consumer } = await started(assignment);
    consumer.disconnect = () => new Promise(() => undefined);
    await expect(member.stop()).resolves.toBeUndefined();
  });

  it("isn't told that it left when it was stopped", async () => {
    const { member, heard } = await started(assignment);
    await member.stop();
    expect(heard).toHaveLength(1);
  });
});

import type { LogBed } from "../../topic/log-client-bed.ts";
import { describeLogClient } from "../../topic/log-client-cases.ts";
import { type FaultRates, heal, someFaults } from "../faults.ts";
import { Process, Random, VirtualTime } from "../virtual-time.ts";
import { FakeGroups } from "./fake-coordinator.ts";
import { FakeKafka } from "./fake-kafka.ts";
import { FakeCluster } from "./fake-log.ts";

const TICK_MS = 50;

/** Lets virtual time pass as long as the case goes on. @returns ends it */
function letTimePass(time: VirtualTime): () => Promise<void> {
  let isOver = false;
  const passing = (async () => {
    while (!isOver) {
      const untilMs = time.now + TICK_MS;
      time.after(TICK_MS, () => undefined);
      await time.run(() => time.now >= untilMs, untilMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  return async () => {
    isOver = true;
    await passing;
  };
}

async function open(partitions: number): Promise<LogBed> {
  const time = new VirtualTime(new Random(1), false);
  const cluster = new FakeCluster();
  const [log] = cluster.create("ticks", partitions);
  const faults: FaultRates = someFaults(time.random);
  heal(faults);
  const groups = new FakeGroups(time, cluster, 6000);
  const world = { time, cluster, groups, faults, fetchRecordsMax: 4 };
  const close = letTimePass(time);
  return {
    client: new FakeKafka(world, new Process("p")),
    topicName: "ticks",
    groupId: "g",
    abort: async (values) => {
      const entry = { key: null, headers: {}, timestampMs: time.now };
      for (const value of values) log!.append({ ...entry, kind: "aborted", value: Buffer.from(value) });
      log!.append({ ...entry, kind: "marker", value: null });
    },
    outstay: () => new Promise((resolve) => time.after(8000, resolve)),
    close,
  };
}

describeLogClient("the simulation's cluster", open);

import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { readState } from "../../../src/stack/home.ts";
import { startStack, stopStack } from "../../../src/stack/stack.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { idOf, tick } from "../../support/samples.ts";
import { temporaryHome } from "../../support/services/stack.ts";
import { readLog } from "../../support/services/topic-log.ts";

const BROKERS = 3;
const EVENTS = 10_000;
const WAVES = 10;
let home: string;

beforeAll(async () => {
  home = temporaryHome();
});
afterAll(async () => {
  await stopStack(home, { purge: true });
  rmSync(home, { recursive: true, force: true });
});

test("of three brokers one is killed under 10,000 concurrent publishes: every acknowledged event is in the log", async () => {
  const options = { home, ports: "random", launcher: "processes", brokers: BROKERS, detached: false } as const;
  const { urls } = await startStack(options);
  const config = readConfig({ ...urls, logLevel: "silent" }, {});
  const log = openLog(config);
  await withAdmin(openKafka(config, log), (admin) => createTopics(admin, config));
  const tape = await connectTape(config, log);
  const acked: string[] = [];
  let refused = 0;
  const publish = (n: number) => {
    const event = tick(n, { symbol_id: idOf(`symbol ${n % 16}`) });
    const note = () => void acked.push(event.market_data_id);
    return tape.publish("ticks", event).then(note, () => void refused++);
  };
  await publish(0);
  const sent: Promise<void>[] = [];
  for (let wave = 0; wave < WAVES; wave++) {
    for (let n = 0; n < EVENTS / WAVES; n++) sent.push(publish(1 + wave * (EVENTS / WAVES) + n));
    await sent.at(-1);
    if (wave !== 3) continue;
    const victim = readState(home)!.programs.find(({ name }) => name === "kafka-2")!;
    process.kill(victim.pid, "SIGKILL");
  }
  await Promise.all(sent);
  await tape.close();
  // Two of three replicas are a majority: nobody has to be refused for the loss of one.
  expect([acked.length, refused]).toEqual([EVENTS + 1, 0]);
  const logged = (await readLog(config, "ticks")).map(({ value }) => value!.subarray(6, 42).toString());
  const found = new Set(logged);
  expect(acked.filter((id) => !found.has(id))).toEqual([]);
  // A batch whose answer was lost may be there twice; its ids say so.
  expect(found.size).toBe(EVENTS + 1);
});

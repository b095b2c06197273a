import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryHome } from "../../support/services/stack.ts";
import { tradetape } from "../../support/tradetape.ts";

const home = temporaryHome();
afterAll(async () => {
  await tradetape(["down", "--purge"], { TRADETAPE_HOME: home });
  rmSync(home, { recursive: true, force: true });
});

test("up --brokers 3 makes the topics of a topics file on three brokers, and the next up has as many", async () => {
  const file = join(home, "topics.yml");
  const layout = (partitions: number) =>
    writeFileSync(
      file,
      `replication-factor: 3\nmin-insync-replicas: 2\ntopics: { ticks: { partitions: ${partitions} } }`,
    );
  layout(16);
  const env = { TRADETAPE_HOME: home, TRADETAPE_TOPICS_FILE: file };
  const up = await tradetape(["up", "--detach", "--random-ports", "--brokers", "3", "--json"], env);
  expect(up).toMatchObject({ code: 0 });
  const { databaseUrl, kafkaBrokers, schemaRegistryUrl } = JSON.parse(up.stdout);
  expect(kafkaBrokers.split(",")).toHaveLength(3);

  const services = {
    ...env,
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: kafkaBrokers,
    SCHEMA_REGISTRY_URL: schemaRegistryUrl,
  };
  const topics = JSON.parse((await tradetape(["topics", "--json"], services)).stdout);
  expect(topics).toMatchObject({ ok: true });
  const ticks = topics.topics.find(({ topic }: { topic: string }) => topic === "ticks");
  expect(ticks).toMatchObject({ state: "good", partitions: 16, lacks: [], risks: [] });
  const plan = async () => {
    const { code, stdout } = await tradetape(["topics", "--plan", "--json"], services);
    return { code, ...JSON.parse(stdout) };
  };
  expect(await plan()).toEqual({ code: 0, ok: true, changes: [] });
  layout(32);
  const why = ["has 16 partitions, should have 32"];
  expect(await plan()).toMatchObject({ code: 1, ok: false, changes: [{ topic: "ticks", action: "by hand", why }] });

  const others = await tradetape(["up", "--detach", "--random-ports", "--brokers", "1"], env);
  expect([others.code, others.stderr]).toEqual([2, expect.stringContaining("a Kafka of 3 brokers, not 1")]);
  expect((await tradetape(["down"], env)).code).toBe(0);
  const again = await tradetape(["up", "--detach", "--random-ports", "--json"], env);
  expect(JSON.parse(again.stdout)).toMatchObject({ kafkaBrokers });
});

test.each([
  [["up", "--brokers", "0"], "a number from 1 to 5"],
  [["up", "--brokers", "3", "--launcher", "containers"], "docker-compose.yml has one broker, not 3"],
])("%j is refused before anything is started", async (args, said) => {
  const { code, stderr } = await tradetape(args, { TRADETAPE_HOME: join(home, "nowhere") });
  expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
});

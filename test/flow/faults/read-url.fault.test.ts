import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { Reader } from "../../../src/console/reader.ts";
import { openLog } from "../../../src/log.ts";
import { databaseId } from "../../../src/table/landing/landed.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { environmentOf } from "../../support/landing.ts";
import { decision, fill, idOf, prediction, symbol, tick } from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { type Pair, startPair } from "../../support/services/standby.ts";
import { tradetape } from "../../support/tradetape.ts";

let pair: Pair;
/** Both databases: what lands needs the one that takes writes. */
let both: NodeJS.ProcessEnv;
/** The standby alone, with nothing that leads to the primary. */
let standby: NodeJS.ProcessEnv;

beforeAll(async () => {
  pair = await startPair();
  const { kafkaBrokers, schemaRegistryUrl, namespace } = await isolate("read-url");
  const services = { kafkaBrokers, schemaRegistryUrl, namespace };
  const config = readConfig({ ...services, databaseUrl: pair.primary.url, databaseReadUrl: pair.standby.url }, {});
  both = environmentOf({ ...services, databaseUrl: pair.primary.url, databaseReadUrl: pair.standby.url });
  standby = environmentOf({ ...services, databaseReadUrl: pair.standby.url });
  const log = openLog({ logLevel: "silent" });
  await migrate(pair.primary.url);
  await withAdmin(openKafka(config, log), (admin) => createTopics(admin, config));
  const tape = await connectTape(config, log);
  await tape.publish("symbols", symbol());
  await tape.publish("ticks", tick());
  await tape.publish("predictions", prediction());
  await tape.publish("decisions", decision());
  await tape.publish("fills", fill());
  await tape.close();
  const { code, stderr } = await tradetape(["consume", "--until-caught-up"], both);
  expect([code, stderr.includes("tradetape:")]).toEqual([0, false]);
  await pair.level();
});
afterAll(() => pair?.stop());

test.each([
  [["status", "--json"], "ticks"],
  [["verify"], "good"],
  [["audit", "verify"], ""],
  [["trace", idOf("fill 0")], "fill"],
  [["dead-letters", "list"], "no open letters"],
  [["parked"], ""],
  [["sessions", "list"], ""],
  [["partitions", "list"], "1 days of ticks"],
  [["desk", "positions"], ""],
])("%j answers by DATABASE_READ_URL alone, on a hot standby", async (args, said) => {
  const { code, stdout, stderr } = await tradetape(args, standby);
  expect([args.join(" "), code, stderr]).toEqual([args.join(" "), 0, ""]);
  expect(stdout).toContain(said);
});

test("the console asks what a hot standby has", async () => {
  const reader = new Reader(readConfig({ databaseReadUrl: pair.standby.url }, {}));
  const [own] = await pair.primary.query<{ id: string }>("SELECT database_id::text AS id FROM tradetape.database_id");
  expect(await reader.ask(databaseId)).toBe(own!.id);
  await reader.close();
});

test("what reads does so while DATABASE_URL leads nowhere, and what writes says that it does", async () => {
  const env = { ...standby, DATABASE_URL: "postgres://nobody@127.0.0.1:1/nowhere" };
  expect((await tradetape(["desk", "positions"], env)).code).toBe(0);
  const drop = ["partitions", "drop", "--topic", "ticks", "--before", "2001-01-01"];
  const [away, unset] = [await tradetape(drop, env), await tradetape(drop, standby)];
  expect([away.code, away.stderr]).toEqual([2, expect.stringContaining("database_unreachable")]);
  expect([unset.code, unset.stderr]).toEqual([2, expect.stringContaining("not set: DATABASE_URL")]);
});

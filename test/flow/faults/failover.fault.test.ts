import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import type { Tape } from "../../../src/tradetape/tape.ts";
import { environmentOf } from "../../support/landing.ts";
import { bar, decision, fill, prediction, symbol, tick } from "../../support/samples.ts";
import { isolate } from "../../support/services/isolation.ts";
import { type Pair, type PgServer, startPair } from "../../support/services/standby.ts";
import { startTcpProxy, type TcpProxy } from "../../support/services/tcp-proxy.ts";
import { type Running, startTradetape, tradetape } from "../../support/tradetape.ts";

let pair: Pair;
/** Where the primary is, for clients that know one address. */
let address: TcpProxy;
let env: NodeJS.ProcessEnv;
let tape: Tape;
let consuming: Running;
let load: { stop(): Promise<number> };

const TICKS = 20;

/** Publishes until it is stopped, whatever the database does. @returns how many rounds there were */
function startLoad(): typeof load {
  let isOver = false;
  const running = (async () => {
    await tape.publish("symbols", symbol());
    let round = 0;
    for (; !isOver; round++) {
      const ticks = Array.from({ length: TICKS }, (_, n) => tick(TICKS * round + n));
      await Promise.all([
        tape.publishAll("ticks", ticks),
        tape.publish("bars", bar(round)),
        tape.publish("predictions", prediction(round)),
        tape.publish("decisions", decision(round)),
        tape.publish("fills", fill(round)),
      ]);
    }
    return round;
  })();
  return {
    stop: () => {
      isOver = true;
      return running;
    },
  };
}

const ROWS = `SELECT (SELECT count(*) FROM public.market_data_tick)::int AS ticks,
  (SELECT count(*) FROM public.market_data_bar)::int AS bars, (SELECT count(*) FROM public.model_prediction)::int AS predictions,
  (SELECT count(*) FROM public.trade_decision)::int AS decisions, (SELECT count(*) FROM public.trade_execution)::int AS fills`;
type Rows = Readonly<Record<(typeof TOPICS)[number], number>>;
const rowsAt = async (server: PgServer): Promise<Rows> => (await server.query<Rows>(ROWS))[0]!;

const TOPICS = ["ticks", "bars", "predictions", "decisions", "fills"] as const;
const MORE = 20;

/** Resolves when more events of every topic have landed there. */
async function landedMore(server: PgServer): Promise<void> {
  const before = await rowsAt(server);
  const least = async () => {
    const now = await rowsAt(server);
    return Math.min(...TOPICS.map((topic) => now[topic] - before[topic]));
  };
  await expect.poll(least).toBeGreaterThan(MORE);
}

async function setUp(by: "one address" | "two hosts"): Promise<void> {
  const url = new URL(pair.primary.url);
  if (by === "one address") url.port = String(address.port);
  const both = `127.0.0.1:${pair.primary.port},127.0.0.1:${pair.standby.port}`;
  const databaseUrl =
    by === "one address" ? url.href : `${url.href.replace(url.host, both)}&target_session_attrs=read-write`;
  const { kafkaBrokers, schemaRegistryUrl, namespace } = await isolate(by);
  const config = readConfig({ databaseUrl, kafkaBrokers, schemaRegistryUrl, namespace, logLevel: "warn" }, {});
  env = environmentOf(config);
  await migrate(databaseUrl);
  const log = openLog({ logLevel: "silent" });
  await withAdmin(openKafka(config, log), (admin) => createTopics(admin, config));
  tape = await connectTape(config, log);
  consuming = startTradetape(["consume"], env);
  load = startLoad();
}

beforeEach(async () => {
  pair = await startPair();
  address = await startTcpProxy(`127.0.0.1:${pair.primary.port}`);
});
afterEach(async () => {
  await load.stop();
  consuming.process.kill("SIGKILL");
  await tape.close();
  await address.close();
  await pair.stop();
});

/** The address leads to the standby from now on, and every session through it is cut. */
async function moveAddress(): Promise<void> {
  const { port } = address;
  await address.close();
  address = await startTcpProxy(`127.0.0.1:${pair.standby.port}`, port);
}

/** Ends the load, and holds what the promoted standby has against what was published. */
async function expectAllThere(): Promise<void> {
  await landedMore(pair.standby);
  const rounds = await load.stop();
  const all = { ticks: TICKS * rounds, bars: rounds, predictions: rounds, decisions: rounds, fills: rounds };
  await expect.poll(() => rowsAt(pair.standby)).toEqual(all);
  // What they owe is published as well, by this very process.
  await expect.poll(() => pair.standby.query("SELECT FROM tradetape.outbox LIMIT 1")).toEqual([]);
  consuming.process.kill("SIGTERM");
  const { code, stderr } = await consuming.ended;
  expect(code, stderr).toBe(0);
  const rest = await tradetape(["consume", "--until-caught-up"], env);
  expect(rest.code, rest.stderr).toBe(0);
  const verified = await tradetape(["verify"], env);
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("good")]);
  expect(await pair.standby.query("SELECT topic, reason, detail FROM tradetape.dead_letter")).toEqual([]);
  expect(await rowsAt(pair.standby)).toEqual(all);
}

describe.each(["one address", "two hosts"] as const)("a promoted standby behind %s", (by) => {
  test("that has all that was committed is gone on with", async () => {
    await pair.waitForStandby();
    await setUp(by);
    await landedMore(pair.primary);
    const before = await rowsAt(pair.primary);
    await pair.primary.kill();
    await pair.promote();
    if (by === "one address") await moveAddress();
    const after = await rowsAt(pair.standby);
    for (const topic of TOPICS) expect(after[topic]).toBeGreaterThanOrEqual(before[topic]);
    await expectAllThere();
  });

  test("that lacks the last commits gets them again", async () => {
    await setUp(by);
    await landedMore(pair.primary);
    await pair.cutOff();
    await landedMore(pair.primary);
    const before = await rowsAt(pair.primary);
    await pair.primary.kill();
    const lost = await rowsAt(pair.standby);
    for (const topic of TOPICS) expect(lost[topic]).toBeLessThan(before[topic]);
    await pair.promote();
    if (by === "one address") await moveAddress();
    await expectAllThere();
  });
});

test("a primary that is made read-only is left for the standby that is promoted, though its sessions stay open", async () => {
  await setUp("two hosts");
  await landedMore(pair.primary);
  await pair.primary.query("ALTER SYSTEM SET default_transaction_read_only = on");
  await pair.primary.query("SELECT pg_reload_conf()");
  await consuming.says("read-only");
  await pair.level();
  await pair.promote();
  await expectAllThere();
});

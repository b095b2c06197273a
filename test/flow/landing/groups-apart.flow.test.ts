import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { environmentOf, startConsuming } from "../../support/landing.ts";
import { bar, idOf, symbol, tick } from "../../support/samples.ts";
import { startTcpProxy } from "../../support/services/tcp-proxy.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { startTradetape } from "../../support/tradetape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
  await tape.query("CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$");
});
afterAll(() => tape.stop());

/** Has the table refuse every row, for a reason that no letter and no retry mends, until `allow`. */
const refuse = (table: string) =>
  tape.query(`CREATE TRIGGER no BEFORE INSERT ON public.${table} FOR EACH ROW EXECUTE FUNCTION public.no()`);
const allow = (table: string) => tape.query(`DROP TRIGGER IF EXISTS no ON public.${table}`);

afterEach(() => Promise.all(["market_data_tick", "market_data_bar"].map(allow)));

const rows = async (table: string) => (await tape.query(`SELECT count(*) AS n FROM public.${table}`))[0]!.n;
let made = 0;
const publishSymbol = () => {
  const name = `APART${made++}`;
  return tape.publish("symbols", symbol({ symbol_id: idOf(name), ticker: name }));
};

describe("a group that stops", () => {
  test("leaves the others landing, says why, and goes on by itself once that is mended", async () => {
    const consuming = await startConsuming(tape.config, ["ticks", "symbols"]);
    await refuse("market_data_tick");
    await tape.publish("ticks", tick(1));
    await expect
      .poll(() => consuming.stateOf("ticks"))
      .toMatchObject({
        state: "stopped",
        code: "landing_refused",
        reason: expect.stringContaining(tape.name("ticks")),
        next: expect.any(String),
        since: expect.any(Date),
        retryAt: expect.any(Date),
      });
    for (let n = 0; n < 3; n++) {
      const before = await rows("symbol");
      await publishSymbol();
      await expect.poll(() => rows("symbol")).toBe(Number(before) + 1);
    }
    await consuming.runs("symbols");
    expect(await rows("tick")).toBe(0);
    await allow("market_data_tick");
    await expect.poll(() => rows("tick")).toBe(1);
    await consuming.runs("ticks");
    const { tallies, failure } = await consuming.stop();
    expect(failure).toBeUndefined();
    expect(tallies.find(({ topic }) => topic === "ticks")).toMatchObject({ read: 1, written: 1 });
  });

  test("ends the process when no other is left, which names them all", async () => {
    const consuming = await startConsuming(tape.config, ["ticks", "bars"]);
    await Promise.all([refuse("market_data_tick"), refuse("market_data_bar")]);
    await tape.publish("ticks", tick(2));
    await consuming.stopped("ticks");
    await tape.publish("bars", bar(1));
    const { failure } = await consuming.ended;
    expect(failure).toMatchObject({ code: "groups_stopped", next: expect.any(String) });
    for (const topic of ["ticks", "bars"] as const) expect(failure!.message).toContain(tape.name(topic));
  });

  test("ends the process at once where it is to fail fast", async () => {
    const consuming = await startConsuming(tape.config, ["symbols", "ticks"], true);
    await refuse("market_data_tick");
    await tape.publish("ticks", tick(3));
    expect((await consuming.ended).failure).toMatchObject({ code: "landing_refused" });
  });

  test("leaves nothing of the others behind where all that is there is to land", async () => {
    await refuse("market_data_tick");
    await publishSymbol();
    const before = Number(await rows("symbol"));
    const ended = await startTradetape(["consume", "--until-caught-up", "--json"], environmentOf(tape.config)).ended;
    expect(ended.code).toBe(2);
    const tallies = JSON.parse(ended.stdout) as { topic: string; written: number }[];
    expect(tallies.find(({ topic }) => topic === "symbols")).toMatchObject({ written: 1 });
    expect(tallies.find(({ topic }) => topic === "ticks")).toMatchObject({ written: 0 });
    expect(ended.stderr).toContain(`"landing_refused"`);
    expect(ended.stderr).toContain(tape.name("ticks"));
    expect(await rows("symbol")).toBe(before + 1);
    // What this call landed is in the trail, also where a group stopped.
    const receipts = await tape.query("SELECT FROM audit_log WHERE source_topic = $1", [tape.name("symbols")]);
    expect(receipts.length).toBeGreaterThan(0);
  });
});

describe("a start that finds a service away", () => {
  const addressOf = (setting: "databaseUrl" | "kafkaBrokers" | "schemaRegistryUrl") => {
    const text = String(tape.config[setting]);
    return setting === "kafkaBrokers" ? text.split(",")[0]! : new URL(text).host;
  };

  test.each([
    ["databaseUrl", "database_unreachable"],
    ["kafkaBrokers", "broker_unreachable"],
    ["schemaRegistryUrl", "registry_unreachable"],
  ] as const)("waits for it as a service, and is refused with --fail-fast: %s", async (setting, code) => {
    const address = addressOf(setting);
    const { port, close } = await startTcpProxy(address);
    await close();
    const away = String(tape.config[setting]).replace(address, `127.0.0.1:${port}`);
    const env = environmentOf({ ...tape.config, [setting]: away, logLevel: "warn" });
    const refused = await startTradetape(["consume", "symbols", "--fail-fast", "--json"], env).ended;
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(code)]);
    const waiting = startTradetape(["consume", "symbols"], env);
    await waiting.says("paused, trying again");
    const back = await startTcpProxy(address, port);
    await waiting.says("consuming symbols");
    waiting.process.kill("SIGTERM");
    const { code: exit, stderr } = await waiting.ended;
    expect(exit).toBe(0);
    // Whatever each try says of the broker: a line when it is away, and one when it answers, and so in turn.
    const ofKafka = stderr.split("\n").filter((line) => /"part":"kafka"|"broker":/.test(line));
    const said = ["a broker is away", "the broker answers again"];
    expect(ofKafka.length > 0).toBe(setting === "kafkaBrokers");
    for (const [n, line] of ofKafka.entries()) {
      expect(line).toContain(said[n % 2]);
      expect(line).toContain(`"broker":"127.0.0.1:${port}"`);
    }
    expect(ofKafka.length % 2).toBe(0);
    await back.close();
  });

  test.each([
    ["kafkaBrokers", "broker_unreachable"],
    ["schemaRegistryUrl", "registry_unreachable"],
  ] as const)("is waited for by programs, which are refused with --fail-fast: %s", async (setting, code) => {
    const address = addressOf(setting);
    const { port, close } = await startTcpProxy(address);
    await close();
    const away = String(tape.config[setting]).replace(address, `127.0.0.1:${port}`);
    const env = environmentOf({ ...tape.config, [setting]: away, logLevel: "warn" });
    for (const flag of ["--fail-fast", "--until-caught-up"]) {
      const refused = await startTradetape(["run", "bars", flag, "--json"], env).ended;
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(code)]);
    }
    const waiting = startTradetape(["run", "bars"], env);
    await waiting.says("paused, trying again");
    const back = await startTcpProxy(address, port);
    await waiting.says("works again");
    waiting.process.kill("SIGTERM");
    expect((await waiting.ended).code).toBe(0);
    await back.close();
  });
});

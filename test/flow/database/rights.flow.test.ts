import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { Connection } from "../../../src/table/connection.ts";
import { requireMigrated } from "../../../src/table/migrate.ts";
import { repairDatabase } from "../../../src/table/upkeep/repair.ts";
import { startConsuming } from "../../support/landing.ts";
import { idOf, symbol, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

/** One right that is gone shows at a start, and not at the first row, day or deed that needs it. */
let tape: TestTape;
const STRANGER = `tradetape_test_stranger_${process.pid}`;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  await tape.query(`CREATE ROLE ${STRANGER}`);
});
afterAll(async () => {
  await tape.query(`DROP ROLE ${STRANGER}`);
  await tape.stop();
});

/** What a start as one of the roles comes to. */
async function start(
  role: "tradetape_lander" | "tradetape_ops" | "tradetape_owner" | "tradetape_reader",
): Promise<void> {
  const { databaseUrl } = tape.config;
  const connection = await Connection.open(databaseUrl, { name: "test", role });
  await requireMigrated(connection, databaseUrl).finally(() => connection.close());
}

async function repair(): Promise<void> {
  const { databaseUrl } = tape.config;
  const connection = await Connection.open(databaseUrl, { name: "test" });
  await repairDatabase(connection, databaseUrl, async () => {}).finally(() => connection.close());
}

test.each([
  ["tradetape_lander", "REVOKE INSERT ON tradetape.outbox FROM tradetape_lander", "lacks insert of tradetape.outbox"],
  [
    "tradetape_lander",
    "REVOKE EXECUTE ON FUNCTION tradetape.make_day FROM tradetape_lander",
    "lacks execute of tradetape.make",
  ],
  ["tradetape_ops", "REVOKE SELECT ON tradetape.deed FROM tradetape_ops", "lacks select of tradetape.deed"],
  [
    "tradetape_ops",
    "REVOKE EXECUTE ON FUNCTION tradetape.act_on_letters FROM tradetape_ops",
    "lacks execute of tradetape.act_on_letters",
  ],
  ["tradetape_owner", `ALTER TABLE public.quote OWNER TO ${STRANGER}`, "lacks ownership of public.quote"],
  [
    "tradetape_owner",
    `ALTER FUNCTION tradetape.make_day OWNER TO ${STRANGER}`,
    "lacks ownership of tradetape.make_day",
  ],
  ["tradetape_reader", "REVOKE USAGE ON SCHEMA tradetape FROM tradetape_reader", "may not read tradetape.migration"],
] as const)("of %s: %s", async (role, lose, says) => {
  await start(role);
  await tape.query(lose);
  await expect(start(role)).rejects.toMatchObject({
    code: "permission_denied",
    message: expect.stringContaining(says),
    next: expect.stringContaining("`tradetape migrate --repair`"),
    canRetry: true,
  });
  await repair();
  await start(role);
});

test("what an administrator has taken from readers alone keeps none of them from the rest", async () => {
  await tape.query("REVOKE SELECT ON public.audit_log FROM tradetape_reader");
  await expect(start("tradetape_reader")).resolves.toBeUndefined();
  await repair();
});

test("a right on one table has its topic wait and say why, while others land, until it is given back", async () => {
  await tape.query("REVOKE INSERT ON public.symbol FROM tradetape_lander");
  const consuming = await startConsuming(tape.config, ["symbols", "ticks"]);
  await tape.publish("symbols", symbol({ symbol_id: idOf("waiting") }));
  await tape.publish("ticks", tick(0));
  const count = async (table: string) => (await tape.query(`SELECT count(*) AS n FROM public.${table}`))[0]!.n;
  await expect.poll(() => count("market_data_tick")).toBe(1);
  const state = (topic: EventTopic) => JSON.stringify(consuming.stateOf(topic));
  await expect.poll(() => state("symbols")).toContain("lacks insert of public.symbol");
  expect(await count("symbol")).toBe(1);
  await repair();
  await expect.poll(() => count("symbol")).toBe(2);
  await expect.poll(() => consuming.stateOf("symbols")).toEqual({ state: "running" });
  expect((await consuming.stop()).failure).toBeUndefined();
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { environmentOf, landBy } from "../../support/landing.ts";
import { tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

let tape: TestTape;

beforeAll(async () => {
  tape = await openTapeWithSymbol();
});
afterAll(() => tape.stop());

const registryAt = (path: string, method: string, body?: object) =>
  fetch(`${tape.config.schemaRegistryUrl}${path}`, {
    method,
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    ...(body && { body: JSON.stringify(body) }),
  });

/** A tick's schema that no other subject has. @returns its id */
async function register(subject: string, doc: string): Promise<number> {
  const schema = JSON.stringify({ ...JSON.parse(EVENT_SCHEMAS.tick.json), doc: `${doc} of ${tape.name("ticks")}` });
  return ((await (await registryAt(`/subjects/${subject}/versions`, "POST", { schema })).json()) as { id: number }).id;
}

async function publishBy(schemaId: number, n: number): Promise<void> {
  const value = await tape.encode("ticks", tick(n));
  value.writeInt32BE(schemaId, 1);
  await tape.raw("ticks", [{ value }]);
}

const letters = () =>
  tape.query<{ reason: string; detail: string; state: string }>(
    `SELECT reason, detail, state FROM tradetape.dead_letter ORDER BY partition, "offset"`,
  );
const rows = async () =>
  (await tape.query<{ n: number }>("SELECT count(*)::int AS n FROM public.market_data_tick"))[0]!.n;

test("an event by a foreign schema is a letter that names its subject, and lands once the topic's has it, too", async () => {
  const subject = tape.name("fills").replace("fills", "zed-value");
  const id = await register(subject, "foreign");
  await tape.publish("ticks", tick(1));
  await publishBy(id, 2);
  await tape.land("ticks");
  expect(await rows()).toBe(1);
  expect(await letters()).toEqual([
    {
      reason: "foreign_schema",
      detail: `schema ${id} is of the subject ${subject}, which ticks doesn't admit (TRADETAPE_ADMITTED_SUBJECTS)`,
      state: "open",
    },
  ]);
  expect(await register(`${tape.name("ticks")}-value`, "foreign")).toBe(id);
  const redrive = await tradetape(
    ["dead-letters", "redrive", "--topic", "ticks", "--yes", "--wait", "0"],
    environmentOf(tape.config),
  );
  expect(redrive.code, redrive.stderr).toBe(0);
  await tape.land("ticks");
  expect(await rows()).toBe(2);
});

test("the setting admits a subject, and by it what lands", async () => {
  const subject = tape.name("fills").replace("fills", "vendor-ticks");
  await publishBy(await register(subject, "vendor"), 3);
  await landBy({ ...tape.config, admittedSubjects: [`ticks=${subject.slice(0, -5)}*`] }, ["ticks"]);
  expect(await rows()).toBe(3);
});

test("what was written by a schema of the topic's whose subject was deleted since, lands", async () => {
  const subject = tape.name("ticks").replace("ticks", "gone.ticks-value");
  const id = await register(subject, "gone");
  expect((await registryAt(`/subjects/${subject}`, "DELETE")).status).toBe(200);
  await publishBy(id, 4);
  await tape.land("ticks");
  expect([await rows(), (await letters()).filter(({ state }) => state === "open")]).toEqual([4, []]);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { idOf, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

let tape: TestTape;
beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(() => tape.stop());

test("a trace goes on in what is published because of its event: the audit entry, and the copy of a letter", async () => {
  const whole = symbol({ symbol_id: idOf("TRACED"), ticker: "TRACED" });
  await tape.publish("symbols", whole, { headers: { traceparent: TRACE } });
  await tape.publish("symbols", symbol({ symbol_id: idOf("PLAIN"), ticker: "PLAIN" }), {
    headers: { traceparent: "mine" },
  });
  await tape.raw("symbols", [{ value: Buffer.from("no event"), headers: { traceparent: OTHER } }]);
  await tape.land("symbols");
  const traces = async (topic: "audit" | "dead-letters") =>
    (await tape.read(topic)).map(({ headers }) => headers.traceparent?.toString());
  // The letter has an entry of its own. What is no trace goes nowhere.
  expect((await traces("audit")).toSorted()).toEqual([TRACE, OTHER, undefined].toSorted());
  expect(await traces("dead-letters")).toEqual([OTHER]);
  const [letter] = await tape.query("SELECT headers ->> 'traceparent' AS parent FROM tradetape.dead_letter");
  expect(Buffer.from(letter!.parent as string, "base64").toString()).toBe(OTHER);
});

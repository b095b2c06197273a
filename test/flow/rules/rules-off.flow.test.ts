import { afterAll, beforeAll, expect, test } from "vitest";
import { CONSUMERS } from "../../../consumers/all.ts";
import { asReader } from "../../../src/cli/services.ts";
import { OWN_ID } from "../../../src/event/identity.ts";
import { LINKS, RULES } from "../../../src/event/rules.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import { verify } from "../../../src/verify/verify.ts";
import { RULES_FILE, SWITCHED_RULES } from "../../support/rules.ts";
import { decision, fill, idOf, symbol } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const { good, vectors, links, linkVectors } = RULES_FILE;
const OTHER = "11111111-2222-5333-8444-555555555555";
let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape({ rulesOff: SWITCHED_RULES.join(",") });
  for (const [n, symbol_id] of [symbol().symbol_id, good.decisions.symbol_id as string, OTHER].entries()) {
    await tape.publish("symbols", symbol({ symbol_id, ticker: `T${n}` }));
  }
});
afterAll(() => tape.stop());

type Event = Readonly<Record<string, unknown>>;
const idField = (topic: EventTopic) => OWN_ID[topic].field;

/** The rows that break each rule, as this test works it out from the events. */
class Expected {
  readonly #ids = new Map<string, Set<string>>();

  note(rule: string, example: string): void {
    this.#ids.set(rule, (this.#ids.get(rule) ?? new Set()).add(example));
  }

  ofEvent(topic: EventTopic, event: Event): void {
    for (const rule of RULES[topic]) {
      if (!rule.isBroken(event)) continue;
      this.note(rule.name, String(event[rule.isOfText ? rule.field : idField(topic)]));
      // Of an audit entry the first rule is named, as of a letter.
      if (topic === "audit") return;
    }
  }

  ofPair(topic: EventTopic, event: Event, parent: Event): void {
    for (const { name, total, isBroken, by } of LINKS[topic]) {
      if (isBroken(event, parent)) this.note(name, String(event[total ? by : idField(topic)]));
    }
  }

  rows() {
    return [...this.#ids].map(([rule, ids]) => [rule, ids.size, [...ids].sort().slice(0, 5)] as const).sort();
  }
}

test("what breaks a rule that is off lands, and verify lists all of it", async () => {
  const expected = new Expected();
  const published = new Map<EventTopic, Event[]>();
  const publish = (topic: EventTopic, event: Event) => published.set(topic, [...(published.get(topic) ?? []), event]);
  const switched = vectors.filter(({ breaks }) => SWITCHED_RULES.includes(breaks ?? ""));
  for (const { topic, why, change } of switched) {
    const event = { ...good[topic], ...change, [idField(topic)]: idOf(why) };
    publish(topic, event);
    expected.ofEvent(topic, event);
  }
  for (const { topic, why, change, parent = {} } of linkVectors) {
    const { parent: above } = links[topic][0]!;
    const { by } = LINKS[topic][0]!;
    const elder = { ...good[above], ...parent, [idField(above)]: idOf(`parent: ${topic} ${why}`) };
    const event = { ...good[topic], ...change, [idField(topic)]: idOf(`${topic} ${why}`), [by]: elder[idField(above)] };
    publish(above, elder);
    publish(topic, event);
    expected.ofPair(topic, event, elder);
  }
  // Neither is too much by itself.
  publish("decisions", decision(0, { model_reference: null }));
  for (const n of [1, 2]) publish("fills", fill(n, { decision_id: idOf("decision 0"), quantity: 6 }));
  expected.note("within_decision_size", idOf("decision 0"));
  for (const [topic, events] of published) {
    await tape.raw(topic, await Promise.all(events.map(async (event) => ({ value: await tape.encode(topic, event) }))));
  }
  await tape.land();
  await tape.land();
  expect(await tape.query("SELECT reason, detail FROM tradetape.dead_letter")).toEqual([]);
  const found = await asReader(tape.config, "test", (reader) => verify(reader, CONSUMERS, { quiet: true }));
  expect(found).toMatchObject({ ok: true, problems: [], warnings: [] });
  expect(found.rules.map(({ rule, rows, examples }) => [rule, rows, [...examples].sort()] as const).sort()).toEqual(
    expected.rows(),
  );
  expect(new Set(found.rules.map(({ rule }) => rule))).toEqual(new Set(SWITCHED_RULES));
});

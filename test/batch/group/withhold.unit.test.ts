import { expect, test } from "vitest";
import { audit } from "../../../consumers/audit.ts";
import { ticks } from "../../../consumers/ticks.ts";
import type { Consumer } from "../../../src/batch/consumer.ts";
import type { Encoder } from "../../../src/batch/encode/encoder.ts";
import { EventFilter } from "../../../src/batch/encode/event-filter.ts";
import { Lane } from "../../../src/batch/group/lane.ts";
import type { Withheld } from "../../../src/batch/group/replay-terms.ts";
import { withhold } from "../../../src/batch/group/withhold.ts";
import type { EventReader } from "../../../src/event/codec.ts";
import { Refusal } from "../../../src/event/letter.ts";
import type { Records } from "../../../src/topic/fetch/records.ts";
import { EVERY_SESSION_KIND, idOf, NOON } from "../../support/samples.ts";

const OWN = idOf("own");
const PUBLISHED_MS = NOON / 1000;

/** The times that are seen of these events, as JSON texts, by a replay of one session. */
function timesOf(consumer: Consumer, values: readonly (object | string)[]): readonly (number | undefined)[] {
  const bytes = values.map((value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));
  const read = (value: Buffer) => (value[0] === 123 ? JSON.parse(String(value)) : new Refusal("not_avro", "no event"));
  const encoder = {
    consumer,
    reader: { read } as unknown as EventReader,
    eventBytesMax: 1000,
    filter: new EventFilter(EVERY_SESSION_KIND, { only: OWN }, { fromMs: PUBLISHED_MS - 1, untilMs: PUBLISHED_MS + 1 }),
  } as Encoder;
  const records: Records = {
    count: values.length,
    offsetOf: (index) => index,
    // The last one was published after the window.
    publishedAtMs: (index) => PUBLISHED_MS + (index === values.length - 1 ? 1 : 0),
    locate: () => undefined,
    headersOf: () => undefined,
    faultAt: () => undefined,
    record: (index) => ({ key: null, value: bytes[index]! }),
  };
  const idle = async () => ({ nextOffset: 0, ledger: [], ahead: false });
  let withheld: Withheld | undefined;
  const take = (given: Withheld) => {
    withheld = given;
    return false;
  };
  withhold(
    { withhold: take },
    {
      encoder,
      topicName: "topic",
      lane: new Lane(0, idle, () => undefined),
      records,
      part: { firstOffset: 0, nextOffset: values.length, from: 0, to: values.length },
      bytes: 1,
      member: { letGo: () => undefined },
      push: () => undefined,
    },
  );
  return values.map((_, index) => withheld!.timeOf(index));
}

const of = (session: string | null) => ({ timestamp: NOON, backtest_session_id: session });

test("only what will land has a time: a replay of one session doesn't wait out the times of the others", () => {
  const values = [of(OWN), of(OWN.toUpperCase()), of(idOf("other")), of(null), "no event", of(OWN)];
  expect(timesOf(ticks, values)).toEqual([NOON, NOON, undefined, undefined, undefined, undefined]);
});

test("the audit trail, which lands whatever session is asked for, has its times", () => {
  expect(timesOf(audit, [of(idOf("other")), of(null), of(OWN)])).toEqual([NOON, NOON, undefined]);
});

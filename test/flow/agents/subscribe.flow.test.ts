import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLog } from "../../../src/log.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import type { Message, Subscription, Tape } from "../../../src/tradetape.ts";
import { bar, idOf, NOON, prediction, SYMBOL_ID, session, symbol, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

const SYMBOLS = Array.from({ length: 6 }, (_, n) => idOf(`subscribed ${n}`));

let bed: TestTape;
/** The program's own tape. */
let tape: Tape;

beforeAll(async () => {
  bed = await openTestTape();
  tape = await connectTape(bed.config, openLog(bed.config));
});
afterAll(async () => {
  await tape.close();
  await bed.stop();
});

const tickOf = (n: number) => tick(n, { symbol_id: SYMBOLS[n % SYMBOLS.length]! });
const publishTicks = async (from: number, to: number) => {
  for (let n = from; n < to; n++) await bed.publish("ticks", tickOf(n));
};
const numberOf = (message: Message): number => {
  if (message.kind !== "event" || message.topic !== "ticks") throw new Error(`a ${message.kind} of ${message.topic}`);
  return (message.event.timestamp - NOON) as number;
};

/** The next messages of a subscription, which goes on. */
async function take<M>(of: AsyncIterator<M>, count: number): Promise<M[]> {
  const taken: M[] = [];
  while (taken.length < count) {
    const { value, done } = await of.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}
const reading = (subscription: Subscription): AsyncIterator<Message> => subscription[Symbol.asyncIterator]();
const timesOf = (messages: readonly Message[]) => messages.map((one) => (one.kind === "event" ? one.publishedAt : 0));
const ascending = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

describe("where it begins", () => {
  test("with the first event that the logs hold, in the order of the broker's times, and on", async () => {
    await publishTicks(0, 30);
    await using all = await tape.subscribe("ticks", { from: "beginning" });
    const messages = reading(all);
    const old = await take(messages, 30);
    expect([ascending(old.map(numberOf)), timesOf(old)]).toEqual([range(0, 30), ascending(timesOf(old))]);
    expect(new Set(old.map(({ partition }) => partition)).size).toBeGreaterThan(1);
    const { ack: _, ...first } = old[0] as Extract<Message, { kind: "event" }>;
    expect(first).toEqual({
      kind: "event",
      topic: "ticks",
      partition: expect.any(Number),
      offset: 0,
      key: SYMBOLS[0],
      headers: {},
      publishedAt: expect.any(Number),
      event: tickOf(0),
    });
    await publishTicks(30, 31);
    expect((await take(messages, 1)).map(numberOf)).toEqual([30]);
  });

  test("with what is published from now on", async () => {
    await using late = await tape.subscribe("ticks");
    await publishTicks(31, 34);
    expect(ascending((await take(reading(late), 3)).map(numberOf))).toEqual([31, 32, 33]);
  });

  test("with a time, and with offsets; a partition that isn't named begins with its first", async () => {
    await using all = await tape.subscribe("ticks", { from: "beginning" });
    const every = await take(reading(all), 34);
    const chosen = every[20] as Extract<Message, { kind: "event" }>;
    await using timed = await tape.subscribe("ticks", { from: { time: chosen.publishedAt } });
    const since = every.filter((one) => one.kind === "event" && one.publishedAt >= chosen.publishedAt);
    const found = await take(reading(timed), since.length);
    expect(ascending(found.map(numberOf))).toEqual(ascending(since.map(numberOf)));
    const { partition, offset } = chosen;
    await using placed = await tape.subscribe("ticks", { from: { offsets: { ticks: { [partition]: offset } } } });
    const rest = every.filter((one) => one.partition !== partition || one.offset >= offset);
    const later = await take(reading(placed), rest.length);
    expect(ascending(later.map(numberOf))).toEqual(ascending(rest.map(numberOf)));
  });
});

describe("what it brings", () => {
  test("several topics by the broker's time, of one symbol and one session, each with its own type", async () => {
    const mine = { symbol_id: SYMBOLS[1]!, backtest_session_id: idOf("subscribed session") };
    const headers = { actor: "bot", raw: Buffer.of(0xff) };
    const wanted: string[] = [];
    for (let n = 0; n < 6; n++) {
      await bed.publish("predictions", prediction(n, mine), { headers });
      await bed.publish("ticks", tick(100 + n, mine));
      await bed.publish("predictions", prediction(20 + n, { ...mine, symbol_id: SYMBOLS[2]! }));
      await bed.publish("ticks", tick(120 + n, { ...mine, backtest_session_id: null }));
      wanted.push(prediction(n).prediction_id, tick(100 + n).market_data_id);
    }
    const options = { from: "beginning", symbol: SYMBOLS[1]!, session: mine.backtest_session_id } as const;
    await using both = await tape.subscribe(["ticks", "predictions"], options);
    const found = await take(both[Symbol.asyncIterator](), 12);
    const told = found.map((one) => {
      if (one.kind !== "event") return one.kind;
      return one.topic === "ticks" ? one.event.market_data_id : one.event.prediction_id;
    });
    expect([told.toSorted(), timesOf(found)]).toEqual([wanted.toSorted(), ascending(timesOf(found))]);
    expect(found.find(({ topic }) => topic === "predictions")).toMatchObject({ headers });
  });

  test("what is no event as a value with its reason, and what comes behind", async () => {
    const good = await bed.encode("bars", bar());
    await bed.raw("bars", [
      { value: null, key: "k" },
      { value: Buffer.from("{}") },
      { value: await bed.encode("bars", { ...bar(), high: -5 }) },
      { value: await bed.encode("bars", { ...bar(), timestamp: 1_709_649_000_000 }) },
      { value: Buffer.concat([good, Buffer.of(1)]) },
      { value: good },
    ]);
    await using bars = await tape.subscribe("bars", { from: "beginning" });
    const found = await take(bars[Symbol.asyncIterator](), 6);
    const told = found.map((one) => (one.kind === "poison" ? [one.reason, one.event !== null] : one.kind));
    const poison = ["null_value", "not_avro", "rule_broken", "time_unit", "undecodable"];
    expect(told).toEqual([...poison.map((reason) => [reason, /rule|time/.test(reason)]), "event"]);
    expect(found[1]).toMatchObject({ value: Buffer.from("{}"), detail: expect.any(String), key: null, offset: 1 });
  });

  test("what retention has taken meanwhile as a value that says which offsets", async () => {
    for (let n = 0; n < 4; n++) await bed.publish("sessions", session({ backtest_session_id: idOf(`gone ${n}`) }));
    await bed.admin(async (admin) => {
      const topic = bed.name("sessions");
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "3" }] });
    });
    await using sessions = await tape.subscribe("sessions", { from: { offsets: { sessions: { 0: 1 } } } });
    const found = await take(reading(sessions), 2);
    expect(found[0]).toMatchObject({ kind: "gone", topic: "sessions", partition: 0, offset: 1, next: 3 });
    expect(found[1]).toMatchObject({ kind: "event", offset: 3 });
  });
});

describe("a group", () => {
  test("goes on behind what was acknowledged, in whatever order, and hands out the rest again", async () => {
    for (let n = 0; n < 8; n++) await bed.publish("symbols", symbol({ symbol_id: idOf(`acked ${n}`) }));
    const offsetsOf = (messages: readonly Message[]) => messages.map(({ offset }) => offset);
    await using first = await tape.subscribe("symbols", { group: "acks" });
    const messages = await take(reading(first), 8);
    for (const n of [0, 2, 1, 5]) expect(await messages[n]!.ack()).toBe(true);
    await first.close();
    expect(await messages[3]!.ack()).toBe(false);
    await using second = await tape.subscribe("symbols", { group: "acks" });
    expect(offsetsOf(await take(reading(second), 5))).toEqual([3, 4, 5, 6, 7]);
    expect(await second.ackAll()).toBe(true);
    await second.close();
    await bed.publish("symbols", symbol({ symbol_id: idOf("acked 8") }));
    await using third = await tape.subscribe("symbols", { group: "acks" });
    expect(offsetsOf(await take(reading(third), 1))).toEqual([8]);
  });

  test("that began at the end has its mark from then on: what came before its first ack is handed out", async () => {
    const options = { group: "late", from: "latest" } as const;
    await using first = await tape.subscribe("ticks", options);
    const messages = reading(first);
    await publishTicks(201, 202);
    expect((await take(messages, 1)).map(numberOf)).toEqual([201]);
    await first.close();
    await using second = await tape.subscribe("ticks", options);
    expect((await take(reading(second), 1)).map(numberOf)).toEqual([201]);
  });

  test("shares its partitions out, tells who has which, and loses and doubles nothing that was acknowledged", async () => {
    const acked: number[] = [];
    const told: string[][] = [[], []];
    const member = async (n: number) => {
      const subscription = await tape.subscribe("ticks", {
        group: "shared",
        from: "beginning",
        onRebalance: ({ gained, lost }) => told[n]!.push(`+${gained.length} -${lost.length}`),
      });
      const done = (async () => {
        for await (const message of subscription) if (await message.ack()) acked.push(numberOf(message));
      })();
      return { subscription, done };
    };
    const one = await member(0);
    await expect.poll(() => acked.length).toBeGreaterThan(20);
    const two = await member(1);
    await expect.poll(() => told, { timeout: 20_000 }).toEqual([["+4 -0", "+0 -2"], ["+2 -0"]]);
    await publishTicks(300, 360);
    await expect.poll(() => acked.filter((n) => n >= 300).length, { timeout: 20_000 }).toBe(60);
    await one.subscription.close();
    await publishTicks(360, 372);
    await expect.poll(() => acked.filter((n) => n >= 360).length, { timeout: 20_000 }).toBe(12);
    await two.subscription.close();
    await Promise.all([one.done, two.done]);
    expect(acked.filter((n) => n >= 300).toSorted((a, b) => a - b)).toEqual(range(300, 372));
    expect(new Set(acked).size).toBe(acked.length);
  });
});

describe("its end", () => {
  test("comes with the loop, with close in the midst of waiting, and with the tape", async () => {
    const other = await connectTape(bed.config, openLog(bed.config));
    const left = await other.subscribe("ticks", { from: "beginning", group: "ends" });
    for await (const message of left) {
      await message.ack();
      break;
    }
    expect(await take(reading(left), 1)).toEqual([]);
    const closed = await other.subscribe("outcomes");
    const waiting = take(reading(closed), 1);
    await closed.close();
    expect(await waiting).toEqual([]);
    const last = await other.subscribe(["outcomes", "fills"]);
    const never = take(reading(last), 1);
    await other.close();
    expect(await never).toEqual([]);
    await expect(other.subscribe("ticks")).rejects.toMatchObject({ code: "input_invalid" });
  });
});

describe("what says nothing is refused", () => {
  const refused: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    ["no topic", () => tape.subscribe([]), /no topic/],
    ["a topic that isn't there", () => tape.subscribe("trades" as never), /trades/],
    ["a topic twice", () => tape.subscribe(["ticks", "ticks"]), /twice/],
    ["a place that is none", () => tape.subscribe("ticks", { from: "now" as never }), /"now"/],
    ["a time without a zone", () => tape.subscribe("ticks", { from: { time: "2024-03-05T10:00" } }), /no zone/],
    ["offsets of another topic", () => tape.subscribe("ticks", { from: { offsets: { bars: {} } } as never }), /bars/],
    [
      "an offset behind the end",
      () => tape.subscribe("fills", { from: { offsets: { fills: { 0: 7 } } } }),
      /ends at 0/,
    ],
    [
      "no such partition",
      () => tape.subscribe("fills", { from: { offsets: { fills: { 9: 0 } } } }),
      /no such partition/,
    ],
    ["a symbol that is a ticker", () => tape.subscribe("ticks", { symbol: "IBM" }), /no UUID/],
    ["a session in capitals", () => tape.subscribe("ticks", { session: SYMBOL_ID.toUpperCase() }), /no UUID/],
    ["a symbol of sessions", () => tape.subscribe(["ticks", "sessions"], { symbol: SYMBOL_ID }), /sessions have no/],
    ["a group without a name", () => tape.subscribe("ticks", { group: "" }), /no name/],
    ["rebalances of no group", () => tape.subscribe("ticks", { onRebalance: () => {} }), /group/],
  ];

  test.each(refused)("%s", async (_, call, says) => {
    await expect(call()).rejects.toMatchObject({ code: "input_invalid", message: expect.stringMatching(says) });
  });

  test("an ack where there is no group", async () => {
    await using all = await tape.subscribe("ticks", { from: "beginning" });
    const [message] = await take(reading(all), 1);
    await expect(message!.ack()).rejects.toMatchObject({ code: "input_invalid" });
    await expect(all.ackAll()).rejects.toMatchObject({ code: "input_invalid" });
  });
});

import { describe, expect, test } from "vitest";
import { decisionId, predictionId } from "../../src/agent/draft.ts";
import type { CallEvent } from "../../src/event/events.ts";
import { SYMBOL_ID } from "../support/samples.ts";
import { type AnswerAsked, openModelServer } from "./model-server.ts";
import { BY, recording } from "./recording-in-memory.ts";

const ask = (body: unknown, more: RequestInit = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", authorization: "Bearer abcdefghijklmnopqrstuvwxyz" },
  body: typeof body === "string" ? body : JSON.stringify(body),
  ...more,
});
const CHAT = { model: "m-1", messages: [{ role: "user", content: "BUY or SELL?" }], temperature: 0.5, seed: 7 };
const ANSWER = {
  choices: [{ message: { content: "BUY" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 9, completion_tokens: 1 },
};
const json: AnswerAsked = (_, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(ANSWER));
};

describe("a fetch that is recorded", () => {
  test("answers as the other does, and tells the call", async () => {
    await using server = await openModelServer(json);
    const { agent, calls } = recording();
    const response = await agent.record()(`${server.url}/v1/chat/completions?x=1`, ask(CHAT));
    expect([response.status, response.url, response.headers.get("content-type")]).toEqual([
      200,
      `${server.url}/v1/chat/completions?x=1`,
      "application/json",
    ]);
    expect(await response.json()).toEqual(ANSWER);
    expect(await agent.recorded()).toEqual({ recorded: 1, lost: 0, waiting: 0 });
    expect(calls).toMatchObject([
      {
        ...{ kind: "MODEL", name: "/v1/chat/completions", provider: new URL(server.url).host, model: "m-1", seed: 7 },
        ...{ parameters: '{"temperature":0.5}', input_tokens: 9, output_tokens: 1, finish_reason: "stop", status: 200 },
        ...{ error: null, request: JSON.stringify(CHAT), response: JSON.stringify(ANSWER), redacted: null },
        ...{ parent_call_id: null, prediction_id: null, decision_id: null, backtest_session_id: BY.session },
      },
    ]);
    // What goes with a request, as the key that pays for it, isn't told at all.
    expect(JSON.stringify(calls)).not.toContain("abcdefghijklmnopqrstuvwxyz");
  });

  test("hands a stream on bit by bit, as it comes", async () => {
    const bits = [
      'data: {"choices":[{"delta":{"content":"B"}}]}\n\n',
      'data: {"choices":[{"delta":{"content":"UY"}}]}\n\n',
    ];
    let goOn = () => {};
    await using server = await openModelServer((_, response) => {
      response.setHeader("content-type", "text/event-stream");
      response.write(bits[0]);
      goOn = () => response.end(bits[1]);
    });
    const { agent, calls } = recording();
    const response = await agent.record()(`${server.url}/v1/messages`, ask({ ...CHAT, stream: true }));
    const reader = response.body!.getReader();
    // The second bit is sent only once the first has been read: who waited for all of it would wait for ever.
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(bits[0]);
    goOn();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(bits[1]);
    expect((await reader.read()).done).toBe(true);
    await agent.recorded();
    expect(calls).toMatchObject([{ response: bits.join(""), response_type: "text/event-stream", error: null }]);
  });

  test.each<[string, AnswerAsked, object]>([
    [
      "an error of the provider's",
      (_, response) => response.writeHead(429).end('{"error":{"message":"slow down, jane@mail.example.org"}}'),
      { status: 429, error: "HTTP 429: slow down, [redacted:email]", redacted: ["email"] },
    ],
    [
      "a connection that breaks within the answer",
      (_, response) => {
        response.writeHead(200, { "content-length": 100 });
        response.write("half", () => response.destroy());
      },
      { status: 200, error: expect.any(String), response: "half" },
    ],
    [
      "no answer at all",
      (_, response) => response.destroy(),
      { status: null, error: expect.stringContaining("fetch failed"), response: null, response_sha256: null },
    ],
    [
      "an answer that is no text",
      (_, response) => response.end(Buffer.from([0xff, 0x00, 0xfe])),
      { status: 200, error: null, response: null, response_pieces: null, response_bytes: 3 },
    ],
  ])("tells %s as it was", async (_, answer, told) => {
    await using server = await openModelServer(answer);
    const { agent, calls } = recording();
    const own = await agent
      .record()(`${server.url}/v1/messages`, ask(CHAT))
      .then((response) => response.text())
      .catch((error: unknown) => String(error));
    const plain = await fetch(`${server.url}/v1/messages`, ask(CHAT))
      .then((response) => response.text())
      .catch((error: unknown) => String(error));
    expect(own).toBe(plain);
    await agent.recorded();
    expect(calls).toMatchObject([told]);
  });

  test("takes a request in any form that clients send, and passes on what asks no model", async () => {
    await using server = await openModelServer(json);
    const { agent, calls } = recording();
    const recorded = agent.record();
    const body = JSON.stringify(CHAT);
    const bytes = Buffer.from(body);
    for (const given of [body, bytes, new Uint8Array(bytes), Uint8Array.from(bytes).buffer]) {
      await (await recorded(server.url, ask("", { body: given }))).text();
    }
    await (await recorded(new Request(server.url, ask(CHAT)))).text();
    await (await recorded(new URL(server.url), ask(CHAT))).text();
    await (await recorded(server.url)).text();
    await (await recorded(server.url, ask("", { body: new URLSearchParams({ a: "b" }) }))).text();
    await agent.recorded();
    expect(calls.map(({ request }) => request)).toEqual(Array(6).fill(body));
    // All began in one microsecond of this clock.
    expect(new Set(calls.map(({ call_id }) => call_id)).size).toBe(6);
  });

  test("stops where its reader stops", async () => {
    const given: unknown[] = [];
    const endless = new ReadableStream({ cancel: (reason) => void given.push(reason) });
    const { agent, calls } = recording();
    const response = await agent.record(async () => new Response(endless))("http://127.0.0.1/", ask(CHAT));
    await response.body!.cancel("enough");
    expect(given).toEqual(["enough"]);
    await agent.recorded();
    expect(calls).toMatchObject([{ error: "its reader gave it up" }]);
  });

  test("publishes no secret of a stream that was cut within it", async () => {
    const events = ["jane@mail.", "example.org"].map((content) =>
      JSON.stringify({ choices: [{ delta: { content } }] }),
    );
    const { agent, calls } = recording();
    const headers = { "content-type": "text/event-stream; charset=utf-8" };
    const fetch = agent.record(
      async () => new Response(events.map((event) => `data: ${event}\n\n`).join(""), { headers }),
    );
    expect(await (await fetch("http://127.0.0.1/", ask(CHAT))).text()).toContain("jane@mail.");
    await agent.recorded();
    expect(calls).toMatchObject([{ redacted: ["email"], response: expect.not.stringContaining("jane") }]);
  });

  test("publishes what was asked and answered redacted, whole or in pieces", async () => {
    const secret = "jane.doe@mail.example.org";
    await using server = await openModelServer(({ body }, response) => response.end(JSON.stringify({ said: body })));
    const { agent, calls, contents, whole } = recording();
    const text = JSON.stringify({ messages: [{ content: `${"a long context. ".repeat(20_000)} ${secret}` }] });
    expect(await (await agent.record()(server.url, ask(text))).text()).toContain(secret);
    await agent.recorded();
    const [call] = calls;
    expect(call!.redacted).toEqual(["email"]);
    expect(contents.size).toBeGreaterThan(1);
    expect(JSON.stringify([calls, [...contents.values()]])).not.toContain("jane");
    const asked = whole(call!.request, call!.request_pieces);
    expect(asked).toBe(text.replace(secret, "[redacted:email]"));
    expect(JSON.parse(JSON.parse(whole(call!.response, call!.response_pieces)).said)).toEqual(JSON.parse(asked));
  });
});

describe("a tool that is recorded", () => {
  test("gives what it gives, and tells arguments and result", async () => {
    const { agent, calls } = recording();
    const add = agent.tool("add", (a: number, b: number) => a + b);
    const nothing = agent.tool("nothing", () => {});
    const circle = agent.tool("circle", () => {
      const own: { self?: object } = {};
      own.self = own;
      return own;
    });
    const broken = agent.tool("broken", () => {
      throw new RangeError("no price");
    });
    expect(await add(1, 2)).toBe(3);
    expect(await nothing()).toBeUndefined();
    expect(await circle()).toHaveProperty("self");
    await expect(broken()).rejects.toThrow(new RangeError("no price"));
    await agent.recorded();
    expect(calls.map(({ kind, name, request, response, error }) => [kind, name, request, response, error])).toEqual([
      ["TOOL", "add", "[1,2]", "3", null],
      ["TOOL", "nothing", "[]", "", null],
      ["TOOL", "circle", "[]", null, expect.stringContaining("its result is no JSON")],
      ["TOOL", "broken", "[]", null, "no price"],
    ]);
  });

  test("is told under the model that asked for it, what it calls itself under it, and all under what they lead to", async () => {
    await using server = await openModelServer(json);
    const { agent, calls } = recording();
    const fetch = agent.record();
    const chat = async (n: number) => (await fetch(server.url, ask({ ...CHAT, n }))).json();
    const inner = agent.tool("inner", () => 1);
    const outer = agent.tool("outer", async () => {
      await chat(2);
      return inner();
    });
    await agent.think({ symbol_id: SYMBOL_ID, prediction: "p", decision: "d" }, async () => {
      await chat(1);
      await outer();
    });
    await agent.think({ symbol_id: SYMBOL_ID, decision: "other" }, () => chat(3));
    await chat(4);
    await agent.recorded();
    const byName: Record<string, Required<CallEvent>> = Object.fromEntries(
      calls.map((call) => [call.kind === "TOOL" ? call.name : call.request!.at(-2), call]),
    );
    const parents = Object.entries(byName).map(([name, { parent_call_id }]) => [
      name,
      Object.keys(byName).find((other) => byName[other]!.call_id === parent_call_id),
    ]);
    expect(Object.fromEntries(parents)).toEqual({
      1: undefined,
      outer: "1",
      2: "outer",
      inner: "2",
      3: undefined,
      4: undefined,
    });
    const [prediction, decision] = [predictionId(BY, SYMBOL_ID, "p"), decisionId(BY, SYMBOL_ID, "d")];
    for (const name of ["1", "outer", "2", "inner"])
      expect(byName[name]).toMatchObject({ prediction_id: prediction, decision_id: decision });
    expect(byName[3]).toMatchObject({ prediction_id: null, decision_id: decisionId(BY, SYMBOL_ID, "other") });
    expect(byName[4]).toMatchObject({ prediction_id: null, decision_id: null });
  });

  test("leads to something that it names", () => {
    const { agent } = recording();
    expect(() => agent.think({ symbol_id: SYMBOL_ID }, () => 1)).toThrow("decision must be given");
    expect(() => agent.think({ symbol_id: "", prediction: "p" }, () => 1)).toThrow("symbol_id must be given");
  });
});

describe("while the broker is away", () => {
  test("a call is sent again until it is there", async () => {
    const { agent, calls, broker } = recording();
    broker.isAway = true;
    await agent.tool("early", () => 1)();
    await expect.poll(() => broker.refused).toBeGreaterThan(0);
    broker.isAway = false;
    expect(await agent.recorded()).toEqual({ recorded: 1, lost: 0, waiting: 0 });
    expect(calls).toHaveLength(1);
  });

  test("calls go on, wait for it within a bound, and are counted beyond that", async () => {
    const { agent, calls, said, broker } = recording({ recording: { bufferBytesMax: 1000 } });
    const echo = agent.tool("echo", (text: string) => text);
    broker.isAway = true;
    for (let n = 0; n < 20; n++) expect(await echo("x".repeat(100))).toHaveLength(100);
    broker.isAway = false;
    const counts = await agent.recorded();
    expect(counts).toEqual({ recorded: calls.length, lost: 20 - calls.length, waiting: 0 });
    // Of 206 bytes each: [" and "] about the argument, " and " about the result.
    expect(calls).toHaveLength(4);
    expect(said).toEqual([
      expect.stringMatching(/^1 calls .* 824 bytes wait for the broker$/),
      expect.stringMatching(/^10 calls/),
    ]);
    expect(await echo("now")).toBe("now");
    expect(await agent.recorded()).toMatchObject({ recorded: 5, waiting: 0 });
  });

  test("a tape that closes gives up what waits, and takes what is under way as it stands", async () => {
    await using server = await openModelServer(json);
    const { agent, calls, broker, close } = recording();
    const unread = await agent.record()(server.url, ask(CHAT));
    expect(unread.status).toBe(200);
    await close();
    expect(calls).toMatchObject([{ status: 200, error: "the answer was not read to its end" }]);
    const late = agent.tool("late", () => 1);
    expect(await late()).toBe(1);
    expect(await agent.recorded()).toEqual({ recorded: 1, lost: 1, waiting: 0 });

    const other = recording();
    other.broker.isAway = true;
    broker.isAway = true;
    await other.agent.tool("early", () => 1)();
    await other.close();
    expect(await other.agent.recorded()).toEqual({ recorded: 0, lost: 1, waiting: 0 });
  });
});

test("what a call cost is as the agent reckons, by its model and its tokens", async () => {
  await using server = await openModelServer(json);
  const { agent, calls } = recording({
    recording: {
      cost: ({ model, input_tokens, output_tokens }) => (model === "m-1" ? input_tokens! + 10 * output_tokens! : null),
    },
  });
  await (await agent.record()(server.url, ask(CHAT))).text();
  await (await agent.record()(server.url, ask({ ...CHAT, model: "m-2" }))).text();
  await agent.recorded();
  expect(calls.map(({ cost }) => cost)).toEqual([19, null]);
});

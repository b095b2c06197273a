import { describe, expect, test } from "vitest";
import { firstDifference } from "../../src/agent/body/request-difference.ts";
import { TradetapeError } from "../../src/errors.ts";
import { idOf } from "../support/samples.ts";
import { type AnswerAsked, openModelServer } from "./model-server.ts";
import { recording } from "./recording-in-memory.ts";

const bodyOf = (content: string, more: object = {}) =>
  JSON.stringify({ messages: [{ role: "user", content }], ...more });
/** What comes of a question: all that a caller sees of the answer, or the error. */
async function seen(fetch: typeof globalThis.fetch, url: string, body: string): Promise<unknown> {
  try {
    const response = await fetch(url, { method: "POST", body });
    const head = [response.status, response.headers.get("content-type")];
    return [...head, await response.text().catch((error: unknown) => `then ${(error as Error).name}`)];
  } catch (error) {
    return (error as Error).name;
  }
}

/** An error that says where a replay differs. */
async function differing(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(TradetapeError);
  expect((error as TradetapeError).code).toBe("replay_differs");
  return (error as TradetapeError).message;
}

/** Answers by what it is asked for, another number each time. */
function model(): AnswerAsked {
  let asked = 0;
  return ({ body }, response) => {
    const n = ++asked;
    if (body.includes("refuse")) response.writeHead(429, { "content-type": "application/json" }).end('{"error":{}}');
    else if (body.includes("break")) response.writeHead(200).write(`half ${n}`, () => response.destroy());
    else if (body.includes("hang up")) response.destroy();
    else if (body.includes("stream"))
      response.setHeader("content-type", "text/event-stream").end(`data: {"n":${n}}\n\n`);
    else if (body.includes("nothing")) response.writeHead(204).end();
    else response.setHeader("content-type", "application/json").end(JSON.stringify({ n, long: "x".repeat(40_000) }));
  };
}

describe("a replay", () => {
  test("answers each request as it was answered, those of one request in their order, and sends nothing", async () => {
    const { agent, calls } = recording();
    const asked = ["a", "b", "a", "refuse", "break", "hang up", "stream", "nothing", "a"].map((content) =>
      bodyOf(content),
    );
    let n = 0;
    const count = agent.tool("count", (by: number) => {
      n += by;
      return { n };
    });
    const nothing = agent.tool("nothing", () => undefined);
    const broken = agent.tool("broken", () => {
      throw new Error("no price");
    });
    let fetch = agent.record();
    const all = async (url: string) => {
      const answers: unknown[] = [];
      for (const body of asked) answers.push(await seen(fetch, url, body));
      answers.push(await count(1), await count(1), await count(5), await nothing());
      answers.push(await broken().catch((error: Error) => error.message));
      return answers;
    };
    const server = await openModelServer(model());
    const answers = await all(server.url);
    await server[Symbol.asyncDispose]();
    await agent.recorded();
    const recorded = calls.length;
    expect(recorded).toBe(asked.length + 5);

    const counts = await agent.replay();
    expect(counts()).toEqual({ answered: 0, left: recorded });
    expect(await all(server.url)).toEqual(answers);
    expect(counts()).toEqual({ answered: recorded, left: 0 });
    fetch = agent.record();
    expect(await differing(fetch(server.url, { method: "POST", body: bodyOf("a") }))).toContain(
      `MODEL / is asked after all ${recorded} recorded calls`,
    );
    expect([n, (await agent.recorded()).recorded]).toEqual([7, recorded]);
  });

  test("names the first difference, the call and the field of its request, and answers nothing behind it", async () => {
    await using server = await openModelServer(model());
    const { agent, calls } = recording();
    const fetch = agent.record();
    const prompt = "What of IBM at 181.52? ".repeat(2000);
    for (const content of ["one", prompt, "three"])
      await seen(fetch, server.url, bodyOf(content, { temperature: 0.5 }));
    await agent.recorded();
    const counts = await agent.replay();
    await seen(fetch, server.url, bodyOf("one", { temperature: 0.5 }));
    const changed = `${prompt.slice(0, 30_000)}X${prompt.slice(30_001)}`;
    const said = await differing(fetch(server.url, { method: "POST", body: bodyOf(changed, { temperature: 0.5 }) }));
    expect(said).toContain(`call ${calls[1]!.call_id} of the record has another messages[0].content: it was "`);
    expect(said.length).toBeLessThan(500);
    expect(await differing(fetch(server.url, { method: "POST", body: bodyOf("three", { temperature: 0.5 }) }))).toBe(
      said,
    );
    expect(counts()).toEqual({ answered: 1, left: 2 });
  });

  test("finds a request again by what was kept of it: without its secrets", async () => {
    await using server = await openModelServer(model());
    const { agent } = recording();
    const fetch = agent.record();
    await seen(fetch, server.url, bodyOf("for jane@mail.example.org"));
    await agent.recorded();
    await agent.replay();
    expect(await seen(fetch, server.url, bodyOf("for joe@mail.example.org"))).toMatchObject([
      ...[200, "application/json", expect.any(String)],
    ]);
  });

  test("is of a session in which this actor has recorded something", async () => {
    const refused = { code: "input_invalid" };
    await expect(recording().agent.replay(idOf("another"))).rejects.toMatchObject(refused);
    await expect(recording({ session: null }).agent.replay()).rejects.toMatchObject(refused);
  });
});

test.each<[string, string, string, string, string]>([
  ['{"a":1,"b":[1,{"c":"x"}]}', '{"a":1,"b":[1,{"c":"y"}]}', "b[1].c", '"x"', '"y"'],
  ['{"a":1}', '{"a":1,"seed":7}', "seed", "missing", "7"],
  ['{"a":1,"seed":7}', '{"a":1}', "seed", "7", "missing"],
  ['{"a":[1]}', '{"a":{"0":1}}', "a", "[1]", '{"0":1}'],
  ['[["IBM"]]', '[["AAPL"]]', "[0][0]", '"IBM"', '"AAPL"'],
  ['{"a":1,"b":2}', '{"b":2,"a":1}', "request", '"{\\"a\\":1,\\"b\\":2}"', '"{\\"b\\":2,\\"a\\":1}"'],
  ["plain", "plane", "request", '"plain"', '"plane"'],
  [
    `{"a":"${"x".repeat(99)}IBM"}`,
    `{"a":"${"x".repeat(99)}AAPL"}`,
    "a",
    `"${"x".repeat(10)}IBM"`,
    `"${"x".repeat(10)}AAPL"`,
  ],
])("of %s and %s the first difference is %s", (was, is, path, before, now) => {
  expect(firstDifference(was, is, 30)).toEqual({ path, was: before, is: now });
});

import { describe, expect, test } from "vitest";
import { readRequest, readResponse } from "../../src/agent/body/wire-form.ts";

const NOTHING = { input_tokens: null, output_tokens: null, finish_reason: null, error: null };
const JSON_TYPE = "application/json; charset=utf-8";
const SSE = "text/event-stream; charset=utf-8";
const streamOf = (...events: readonly object[]) =>
  `${events.map((event) => `event: e\ndata: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`;

test.each<[string, object | string, object]>([
  [
    "OpenAI's chat",
    { model: "m", messages: [{ role: "user" }], tools: [], seed: 7, temperature: 0.5, stream: true },
    { model: "m", seed: 7, parameters: '{"temperature":0.5,"stream":true}' },
  ],
  [
    "Anthropic's",
    { model: "c", system: "s", max_tokens: 10 },
    { model: "c", seed: null, parameters: '{"max_tokens":10}' },
  ],
  ["one without parameters", { model: "m", input: "x" }, { model: "m", seed: null, parameters: null }],
  ["a seed that is no whole number", { model: "m", seed: 1.5 }, { model: "m", seed: null, parameters: null }],
  ["a seed beyond 2^53", '{"model":"m","seed":9007199254740993}', { model: "m", seed: null, parameters: null }],
  ["a model that is no text", { model: 3, n: 1 }, { model: null, seed: null, parameters: '{"n":1}' }],
  ["parameters that jsonb can't hold", '{"stop":"\\u0000"}', { model: null, seed: null, parameters: null }],
  ["parameters as large as a schema", { n: "x".repeat(20_000) }, { model: null, seed: null, parameters: null }],
  ["a list", "[1]", { model: null, seed: null, parameters: null }],
  ["no document", "{", { model: null, seed: null, parameters: null }],
])("a request's model, seed and parameters: %s", (_, request, told) => {
  expect(readRequest(typeof request === "string" ? request : JSON.stringify(request))).toEqual(told);
});

describe("an answer's tokens and why it ended", () => {
  test.each<[string, object | string, object]>([
    [
      "OpenAI's chat",
      { choices: [{ finish_reason: "tool_calls" }], usage: { prompt_tokens: 12, completion_tokens: 3 } },
      { input_tokens: 12, output_tokens: 3, finish_reason: "tool_calls" },
    ],
    [
      "OpenAI's responses",
      { object: "response", status: "completed", usage: { input_tokens: 12, output_tokens: 3 } },
      { input_tokens: 12, output_tokens: 3, finish_reason: "completed" },
    ],
    [
      "OpenAI's responses, cut short",
      { object: "response", status: "incomplete", incomplete_details: { reason: "max_output_tokens" } },
      { finish_reason: "max_output_tokens" },
    ],
    [
      "Anthropic's",
      { type: "message", stop_reason: "end_turn", usage: { input_tokens: 12, output_tokens: 3 } },
      { input_tokens: 12, output_tokens: 3, finish_reason: "end_turn" },
    ],
    ["a failure of OpenAI's", { error: { message: "slow down", type: "rate_limit" } }, { error: "slow down" }],
    ["a failure of Anthropic's", { type: "error", error: { type: "overloaded_error" } }, { error: "overloaded_error" }],
    ["a failure in one word", { error: "not found" }, { error: "not found" }],
    ["a count that is none", { usage: { input_tokens: -1, output_tokens: "3" } }, {}],
    ["no document", "<html>", {}],
    ["nothing", "", {}],
  ])("in one document: %s", (_, response, told) => {
    const text = typeof response === "string" ? response : JSON.stringify(response);
    expect(readResponse(text, JSON_TYPE)).toEqual({ ...NOTHING, ...told });
  });

  test.each<[string, string, object]>([
    [
      "OpenAI's chat",
      streamOf(
        { choices: [{ delta: { content: "a" }, finish_reason: null }] },
        { choices: [{ delta: {}, finish_reason: "stop" }] },
        { choices: [], usage: { prompt_tokens: 12, completion_tokens: 3 } },
      ),
      { input_tokens: 12, output_tokens: 3, finish_reason: "stop" },
    ],
    [
      "OpenAI's responses",
      streamOf(
        { type: "response.created", response: { status: "in_progress" } },
        {
          type: "response.completed",
          response: { status: "completed", usage: { input_tokens: 12, output_tokens: 3 } },
        },
      ),
      { input_tokens: 12, output_tokens: 3, finish_reason: "completed" },
    ],
    [
      "Anthropic's",
      streamOf(
        { type: "message_start", message: { usage: { input_tokens: 12, output_tokens: 1 } } },
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "a" } },
        { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } },
      ),
      { input_tokens: 12, output_tokens: 3, finish_reason: "end_turn" },
    ],
    [
      "one that was cut off",
      'data: {"type":"message_start","message":{"usage":{"input_tokens":12}}}\n\ndata: {"type":"mess',
      { input_tokens: 12 },
    ],
    ["an error within it", streamOf({ type: "error", error: { message: "overloaded" } }), { error: "overloaded" }],
  ])("in a stream: %s", (_, response, told) => {
    expect(readResponse(response, SSE)).toEqual({ ...NOTHING, ...told });
  });
});

import { describe, expect, test } from "vitest";
import { redactStream } from "../../src/agent/body/event-stream.ts";
import { REDACTION_RULES, Redactor } from "../../src/agent/body/redact.ts";
import fc from "../support/random/fast-check.ts";

const long = (letters: string, length: number) => letters.repeat(length).slice(0, length);

/** What each rule is for. None of these is anybody's. */
const SECRETS: readonly (readonly [rule: string, secret: string])[] = [
  ["private_key", `-----BEGIN RSA PRIVATE KEY-----\n${long("MIIabc+/", 200)}\n-----END RSA PRIVATE KEY-----`],
  ["private_key", `-----BEGIN PRIVATE KEY-----\n${long("MIIabc+/", 200)}`],
  ["api_key", `sk-${long("aB3", 48)}`],
  ["api_key", `sk-ant-api03-${long("aB3_-", 60)}`],
  ["api_key", `sk_live_${long("aB3", 24)}`],
  ["api_key", "AKIAIOSFODNN7EXAMPLE"],
  ["api_key", `ghp_${long("aB3", 36)}`],
  ["api_key", `xoxb-${long("123-", 24)}`],
  ["api_key", `AIza${long("aB3", 35)}`],
  ["token", `eyJ${long("aB3", 20)}.${long("eyJ", 30)}.${long("sig", 20)}`],
  ["token", `Bearer ${long("aB3", 32)}`],
  ["password", "password=hunter2hunter"],
  ["password", "API_KEY: 0123456789abcdef"],
  ["email", "jane.doe+trades@mail.example.org"],
  ["card", "4111 1111 1111 1111"],
  ["card", "5500-0000-0000-0004"],
  ["iban", "DE89 3704 0044 0532 0130 00"],
  ["iban", "GB29NWBK60161331926819"],
  ["phone", "+1 415 555 0132"],
  ["phone", "+49 (30) 901820"],
  ["phone", "+14155550132"],
  ["social_security", "078-05-1120"],
];

/** What agents write about all day. */
const PLAIN = [
  "BUY 10 IBM at 181.52, +1.25 % since 2024-03-05T14:30:00.000007Z",
  "market_data_id 0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d at 1709649000000000",
  "PnL +12345.678901, volume 4000000000000000, @lean BTC-USD AAPL@NASDAQ",
  "see https://host/a?b=c:d and max_tokens=4096",
  "order 4111111111111112, lot 12-34-5678, sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  '{"token":"BTC","tokens":12,"secretary":"none","name":"momentum"}',
];

const redact = (text: string) => {
  const redactor = new Redactor(REDACTION_RULES);
  return { left: redactor.redact(text), found: redactor.found() };
};

describe("what is taken out", () => {
  test.each(SECRETS)("is a %s: %s", (rule, secret) => {
    expect(redact(`before ${secret} `)).toEqual({
      left: expect.stringContaining(`[redacted:${rule}]`),
      found: [rule],
    });
    expect(redact(`before ${secret} `).left).not.toContain(secret.slice(-12));
  });

  test.each(SECRETS)("is a %s within a document, which stays one: %s", (rule, secret) => {
    const text = JSON.stringify({ messages: [{ n: 1.5, content: `said:\n${secret}\nend` }] });
    const { left, found } = redact(text);
    expect(found).toEqual([rule]);
    const content = JSON.parse(left).messages[0].content as string;
    expect(content).toMatch(/^said:\n/);
    expect(content).toContain(`[redacted:${rule}]`);
    // The arguments of a tool are a document within a text of the document.
    const nested = JSON.stringify({ arguments: text });
    expect(JSON.parse(JSON.parse(redact(nested).left).arguments).messages[0].content).toBe(content);
  });

  test("is a password within a URL, and the rest of it stays", () => {
    expect(redact("postgres://trader:hunter2@db:5432/x").left).toBe("postgres://[redacted:url_password]@db:5432/x");
  });

  test.each(["password", "api_key", "apiKey", "x-api-key", "Authorization", "client_secret", "access_token"])(
    "is the text of a member called %s, whatever it looks like",
    (name) => {
      expect(redact(JSON.stringify({ deep: [{ [name]: "x1" }], n: 1 }))).toEqual({
        left: JSON.stringify({ deep: [{ [name]: "[redacted:secret_member]" }], n: 1 }),
        found: ["secret_member"],
      });
    },
  );

  test("is an address that is a member's name", () => {
    expect(redact('{"jane@mail.example.org":1}').left).toBe('{"[redacted:email]":1}');
  });

  test("is all that lies deeper in a document than is looked at", () => {
    const deep = `${"[".repeat(300)}"jane@mail.example.org"${"]".repeat(300)}`;
    expect(redact(deep)).toEqual({ left: expect.not.stringContaining("jane"), found: ["too_deep"] });
  });

  test.each(PLAIN)("is nothing of: %s", (text) => {
    expect(redact(text)).toEqual({ left: text, found: null });
  });

  test.each([
    ["4111 1111 1111 1111 2026", "[redacted:card] 2026"],
    ["3001 4111 1111 1111 1111", "3001 [redacted:card]"],
    ["4111 1111 1111 1111 5500 0000 0000 0004", "[redacted:card] [redacted:card]"],
    ["DE89 3704 0044 0532 0130 00 EUR 100", "[redacted:iban] EUR 100"],
    ["GB29NWBK60161331926819 BUY", "[redacted:iban] BUY"],
  ])("is no more than is meant of %s", (text, left) => {
    expect(redact(text).left).toBe(left);
  });

  test("is by rules of one's own, global or not", () => {
    const redactor = new Redactor([{ name: "desk", pattern: /desk-\d+/ }]);
    expect(redactor.redact("desk-1 and desk-22")).toBe("[redacted:desk] and [redacted:desk]");
  });

  test("leaves nothing that it would take out again, and takes the same out of the same", () => {
    const words = fc.array(fc.oneof(fc.constantFrom(...SECRETS.map(([, secret]) => secret), ...PLAIN), fc.string()));
    fc.assert(
      fc.property(words, (texts) => {
        const text = JSON.stringify({ texts, joined: texts.join(" ") });
        const { left } = redact(text);
        expect(redact(left).left).toBe(left);
        expect(redact(text).left).toBe(left);
      }),
    );
  });

  test("of megabytes without a space takes no longer than their length asks", () => {
    // Any rule that begins anew at each place of a run would take hours.
    for (const run of ["a", "A", "1", "-", ".", "+1", "a.", "sk-", "eyJ", "://", "AB12"]) {
      const text = run.repeat(1_000_000 / run.length);
      expect(redact(text).left.length).toBeGreaterThan(0);
    }
  });
});

/** A stream in the wire form of a provider, whose answer comes in the pieces given. */
const STREAMS: Readonly<Record<string, (pieces: readonly string[]) => readonly object[]>> = {
  "OpenAI's chat": (pieces) => pieces.map((content) => ({ id: "c", choices: [{ index: 0, delta: { content } }] })),
  "OpenAI's tools": (pieces) =>
    pieces.map((text) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index: 1, function: { arguments: text } }] } }],
    })),
  "OpenAI's responses": (pieces) =>
    pieces.map((delta) => ({ type: "response.output_text.delta", item_id: "m", content_index: 0, delta })),
  Anthropics: (pieces) =>
    pieces.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
};

describe.each(Object.entries(STREAMS))("a stream in the form of %s", (_, eventsOf) => {
  const streamOf = (pieces: readonly string[]) =>
    `${eventsOf(pieces)
      .map((event) => `event: x\ndata: ${JSON.stringify(event)}\n\n`)
      .join("")}data: [DONE]\n\n`;
  const deltasIn = (stream: string) =>
    [...stream.matchAll(/"(?:content|arguments|text|delta)":"((?:[^"\\]|\\.)*)"/g)]
      .map(([, text]) => JSON.parse(`"${text}"`) as string)
      .filter((text) => text !== "text_delta")
      .join("");

  test("loses a secret however it was cut, and says the rest", () => {
    const text = "write to jane.doe@mail.example.org now";
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 12 }), (cuts) => {
        const ends = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const pieces = ends.slice(1).map((end, n) => text.slice(ends[n], end));
        const redactor = new Redactor(REDACTION_RULES);
        const left = redactStream(streamOf(pieces), redactor);
        expect(deltasIn(left)).toBe("write to [redacted:email] now");
        expect(redactor.found()).toEqual(["email"]);
        expect(left.match(/^data: /gm)).toHaveLength(pieces.length + 1);
      }),
    );
  });

  test("is left as it is, byte by byte, where there is no secret", () => {
    const stream = `${streamOf(["Buy", " 10 ", "é"])}: a comment\r\ndata: {"cut`;
    expect(redactStream(stream, new Redactor(REDACTION_RULES))).toBe(stream);
  });
});

test("texts of a stream that go side by side aren't joined to one another", () => {
  const piece = (index: number, text: string) =>
    `data: ${JSON.stringify({ type: "content_block_delta", index, delta: { text } })}\n\n`;
  const stream = piece(0, "jane@mail.") + piece(1, "1 + 1") + piece(0, "example.org");
  const left = redactStream(stream, new Redactor(REDACTION_RULES));
  expect(left).toBe(piece(0, "[redacted:email]") + piece(1, "1 + 1") + piece(0, ""));
});

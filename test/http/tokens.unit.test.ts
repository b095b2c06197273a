import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { fixedToken, givenToken, tokenOfModule } from "../../src/http/tokens.ts";

const folder = mkdtempSync(join(tmpdir(), "tradetape-tokens-"));
afterAll(() => rmSync(folder, { recursive: true }));

const fault = (asked: Promise<unknown>) =>
  asked.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a function that gives tokens", () => {
  const of = (give: () => unknown) => givenToken("Kafka", "the function", give).token();

  it("is asked at each login, whether it is async or not", async () => {
    let n = 0;
    const tokens = givenToken("Kafka", "the function", () => `token-${++n}`);
    expect([await tokens.token(), await tokens.token()]).toEqual(["token-1", "token-2"]);
    expect(await of(async () => "abc")).toBe("abc");
  });

  it.each([undefined, null, 5, "", "two words", "a\u0001b", { token: "abc" }])(
    "may not return %j",
    async (returned) => {
      expect(await fault(of(() => returned))).toMatchObject({
        code: "token_missing",
        canRetry: false,
        message: "no token to log in to Kafka by: the function returned none",
      });
    },
  );

  it("may throw: its words are told, and the next login asks again", async () => {
    const told = { code: "token_missing", canRetry: true, message: expect.stringMatching(/the function: no way$/) };
    expect(await fault(of(() => Promise.reject(new Error("no way"))))).toMatchObject(told);
    const thrower = () => {
      throw new Error("no way");
    };
    expect(await fault(of(thrower))).toMatchObject(told);
  });
});

describe("a module that gives tokens", () => {
  const module = (text: string) => {
    const path = join(folder, `${Math.random()}.mjs`);
    writeFileSync(path, text);
    return tokenOfModule("Kafka", "KAFKA_OAUTH_MODULE", path).token();
  };

  it("has them by its default export", async () => {
    expect(await module("export default async () => 'abc';")).toBe("abc");
  });

  it.each([
    ["export const token = 1;", /by: KAFKA_OAUTH_MODULE: .* exports no function by default/],
    ["throw new Error('not so');", /KAFKA_OAUTH_MODULE: not so$/],
  ])("%s is told", async (text, words) => {
    expect(await fault(module(text))).toMatchObject({
      code: "token_missing",
      canRetry: false,
      message: expect.stringMatching(words),
    });
  });

  it("that isn't there is named", async () => {
    const asked = tokenOfModule("Kafka", "KAFKA_OAUTH_MODULE", "/nowhere/token.mjs").token();
    expect(await fault(asked)).toMatchObject({ message: expect.stringMatching(/nowhere\/token\.mjs/) });
  });
});

it("a token of a file is the one that the file has now, and none of a file that holds something else", async () => {
  let text = "one";
  const tokens = fixedToken("Kafka", "KAFKA_OAUTH_TOKEN", () => text);
  expect(await tokens.token()).toBe("one");
  text = "two words";
  expect(await fault(tokens.token())).toMatchObject({ code: "token_missing", canRetry: true });
});

import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { Live } from "../../src/console/live.ts";
import { TradetapeError } from "../../src/errors.ts";

/** What a page reads, an event at a time, as its name and its value. */
async function* events(answer: Response): AsyncGenerator<[string, unknown]> {
  let text = "";
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    const pieces = text.split("\n\n");
    text = pieces.pop()!;
    for (const piece of pieces) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(piece)!;
      yield [name!, JSON.parse(data!)];
    }
  }
}

function open(look: () => Promise<unknown>) {
  const over = new AbortController();
  const bugs: unknown[] = [];
  const live = new Live(look, over.signal, (error) => bugs.push(error));
  const app = new Hono();
  app.get("/", (c) => live.stream(c));
  return { live, over, bugs, page: async () => events(await app.request("/")) };
}

describe("what pages are shown as it goes on", () => {
  it("is looked at once for all pages, and no more when none is open", async () => {
    let looks = 0;
    const { live, page } = open(async () => ++looks);
    expect(looks).toBe(0);
    const [one, other] = [await page(), await page()];
    const first = await Promise.all([one.next(), other.next()]);
    expect(first.map(({ value }) => value)).toEqual(Array(2).fill(["overview", 1]));
    expect((await one.next()).value).toEqual(["overview", 2]);
    await one.return(undefined);
    await other.return(undefined);
    let isQuiet = false;
    void live.close().then(() => {
      isQuiet = true;
    });
    await expect.poll(() => isQuiet).toBe(true);
    const before = looks;
    expect((await (await page()).next()).value).toEqual(["overview", before]);
  });

  it("is the newest of each kind for a page that comes later", async () => {
    const { live, over, page } = open(async () => "seen");
    live.tell("acts", 1);
    live.tell("acts", 2);
    const late = await page();
    expect((await late.next()).value).toEqual(["acts", 2]);
    expect((await late.next()).value).toEqual(["overview", "seen"]);
    over.abort();
    await live.close();
  });

  it("is the reason where it can't be looked at, and goes on when it can", async () => {
    let looks = 0;
    const { bugs, over, page } = open(async () => {
      if (++looks === 1) throw new TradetapeError("database_unreachable", "nobody answers", { next: "Start it." });
      return "seen";
    });
    const shown = await page();
    const error = { code: "database_unreachable", message: "nobody answers", next: "Start it." };
    expect((await shown.next()).value).toEqual(["overview", { error }]);
    expect((await shown.next()).value).toEqual(["overview", "seen"]);
    expect(bugs).toEqual([]);
    over.abort();
  });

  it("hands a bug on", async () => {
    const bug = new TypeError("no function");
    const { bugs, over, page } = open(() => Promise.reject(bug));
    await (await page()).next();
    expect(bugs).toEqual([bug]);
    over.abort();
  });
});

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

/** Time that passes when a test says so: `tick` ends the sleep that goes on, or the next one. */
function standingClock() {
  let isDue = false;
  let wake: (() => void) | undefined;
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      signal?.addEventListener("abort", reject);
      if (isDue) resolve();
      else wake = resolve;
      isDue = false;
    });
  const tick = () => {
    if (wake === undefined) isDue = true;
    wake?.();
    wake = undefined;
  };
  return { sleep, tick };
}

function open(look: () => Promise<unknown>, isSlowToRest = false) {
  const over = new AbortController();
  const bugs: unknown[] = [];
  const rested = Promise.withResolvers<void>();
  let rests = 0;
  const rest = () => {
    rests++;
    return rested.promise;
  };
  if (!isSlowToRest) rested.resolve();
  const clock = standingClock();
  const live = new Live({ look, rest }, over.signal, (error) => bugs.push(error), clock);
  const app = new Hono();
  app.get("/", (c) => live.stream(c));
  return {
    live,
    over,
    bugs,
    rested,
    rests: () => rests,
    tick: clock.tick,
    page: async () => events(await app.request("/")),
  };
}

describe("what pages are shown as it goes on", () => {
  it("is looked at once for all pages, and no more when none is open", async () => {
    let looks = 0;
    const { live, page, rests, tick } = open(async () => ++looks);
    expect(looks).toBe(0);
    const [one, other] = [await page(), await page()];
    const first = await Promise.all([one.next(), other.next()]);
    expect(first.map(({ value }) => value)).toEqual(Array(2).fill(["overview", 1]));
    tick();
    expect((await one.next()).value).toEqual(["overview", 2]);
    await one.return(undefined);
    await other.return(undefined);
    await expect
      .poll(() => {
        tick();
        return rests();
      })
      .toBe(1);
    await live.close();
    const before = looks;
    expect((await (await page()).next()).value).toEqual(["overview", before]);
  });

  it("keeps nothing open once no page is, and is looked at again for one that comes while that is given up", async () => {
    let looks = 0;
    const { page, rested, rests, over, tick } = open(async () => ++looks, true);
    const first = await page();
    await first.next();
    await first.return(undefined);
    await expect
      .poll(() => {
        tick();
        return rests();
      })
      .toBe(1);
    const before = looks;
    const second = await page();
    expect((await second.next()).value).toEqual(["overview", before]);
    rested.resolve();
    expect((await second.next()).value).toEqual(["overview", before + 1]);
    over.abort();
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
    const { bugs, over, page, tick } = open(async () => {
      if (++looks === 1) throw new TradetapeError("database_unreachable", "nobody answers", { next: "Start it." });
      return "seen";
    });
    const shown = await page();
    const error = { code: "database_unreachable", message: "nobody answers", next: "Start it." };
    expect((await shown.next()).value).toEqual(["overview", { error }]);
    tick();
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

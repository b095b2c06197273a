import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { expect, it } from "vitest";
import { watchOutboxes } from "../../../src/batch/run/outbox-watch.ts";
import { emptyTally } from "../../../src/batch/tally.ts";
import type { Clock } from "../../../src/clock.ts";
import type { Connection } from "../../../src/table/connection.ts";
import type { ConnectionSlot } from "../../../src/table/pool/slot.ts";

type Asked = Parameters<typeof watchOutboxes>;

/** Groups of three topics, and a database that answers each look with what the test gives it. */
function setUp(answers: (readonly string[] | Error)[]) {
  const asked: unknown[] = [];
  const kicked: string[] = [];
  const ended = new AbortController();
  const query = async (_: string, [topics]: unknown[]) => {
    asked.push(topics);
    const answer = answers.shift();
    if (answer === undefined) ended.abort();
    if (answer instanceof Error) throw answer;
    return (answer ?? []).map((topic) => ({ topic }));
  };
  const use = (work: (connection: Connection) => unknown) => work({ query } as unknown as Connection);
  const clock = { sleep: (_: number, signal?: AbortSignal) => sleep(0, undefined, { signal }), random: Math.random };
  const groups = (["ticks", "fills", "audit"] as const).map((topic) => ({
    tally: emptyTally(topic),
    pump: { kick: () => kicked.push(topic) } as unknown as ReturnType<Asked[1]>[number]["pump"],
  }));
  const services = {
    questions: { use } as unknown as ConnectionSlot,
    config: { namespace: "paper" },
    log: pino({ level: "silent" }),
    clock: clock as unknown as Clock,
  } as Asked[0];
  return { asked, kicked, watching: watchOutboxes(services, () => groups, ended.signal) };
}

it("one look asks for all groups, and the pumps of those that owe something begin", async () => {
  const { asked, kicked, watching } = setUp([["paper.fills"], [], ["paper.audit", "paper.ticks"]]);
  await watching;
  expect(kicked).toEqual(["fills", "ticks", "audit"]);
  expect(asked).toEqual(Array(4).fill(["paper.ticks", "paper.fills", "paper.audit"]));
});

it("an outage of the database is waited out, and what was left meanwhile is found", async () => {
  const gone = Object.assign(new Error("the server ends"), { code: "57P01", severity: "FATAL" });
  const { kicked, watching } = setUp([gone, gone, ["paper.ticks"]]);
  await watching;
  expect(kicked).toEqual(["ticks"]);
});

it("a refusal that no retry mends ends the watch", async () => {
  const refused = Object.assign(new Error("no such table"), { code: "42P01", severity: "ERROR" });
  await expect(setUp([refused]).watching).rejects.toMatchObject({ code: "landing_refused" });
});

import { expect, test } from "vitest";
import { requireLanded } from "../../src/retention/unlanded.ts";
import type { Connection } from "../../src/table/connection.ts";

type Asked = Parameters<typeof requireLanded>;
type Ends = Readonly<Record<string, readonly (readonly [low: number, high: number])[]>>;
/** Where each topic's partitions stand in a database: the next offset of the partition by number. */
type Landed = Readonly<Record<string, Readonly<Record<number, number>>>>;

/** A database that says at each look the next of these, and the last one for ever; how often it was looked at. */
function setUp(logs: Ends, looks: readonly Landed[]) {
  let n = 0;
  const query = async (sql: string, [topic]: string[]) => {
    const landed = looks[Math.min(n, looks.length - 1)]!;
    if (sql.includes("DISTINCT")) return Object.keys(landed).map((name) => ({ name }));
    n++;
    return Object.entries(landed[topic!] ?? {}).map(([partition, next]) => ({ partition: Number(partition), next }));
  };
  const fetchOffsets = async (topic: string) =>
    logs[topic]!.map(([low, high], partition) => ({ partition, low, high }));
  const admin = { fetchTopics: async () => new Map(Object.keys(logs).map((name) => [name, {}])), fetchOffsets };
  const wait = (waitMs: number) =>
    requireLanded(
      { query } as unknown as Connection, // two questions of it are asked
      admin as unknown as Asked[1], // as above
      { topic: "ticks", namespace: "paper" },
      waitMs,
    );
  return { wait, looks: () => n };
}

const WHOLE: Ends = { "paper.ticks": [[0, 10], [4, 4], [5, 9]] }; // biome-ignore format: one line a log

test("what the log holds has landed when every partition stands at its end, also one that retention has emptied", async () => {
  const { wait, looks } = setUp(WHOLE, [{ "paper.ticks": { 0: 10, 2: 9 } }]);
  await wait(0);
  expect(looks()).toBe(1);
});

test("what hasn't landed is named by partition, and what retention removed unread isn't counted", async () => {
  const { wait } = setUp(WHOLE, [{ "paper.ticks": { 0: 7, 2: 3 } }]);
  await expect(wait(0)).rejects.toMatchObject({
    code: "not_caught_up",
    canRetry: true,
    message: expect.stringMatching(
      /: paper\.ticks\/0 has 3 that haven't landed, paper\.ticks\/2 has 4 that haven't landed$/,
    ),
  });
});

test("other namespaces that landed here count as long as their topic is there", async () => {
  const landed = { "paper.ticks": { 0: 1 }, "live.ticks": { 0: 1 }, "gone.ticks": { 0: 1 } };
  const { wait } = setUp({ "paper.ticks": [[0, 1]], "live.ticks": [[0, 2]] }, [landed]);
  await expect(wait(0)).rejects.toMatchObject({
    message: expect.stringMatching(/: live\.ticks\/0 has 1 that haven't landed$/),
  });
});

test("it is waited for, and what comes behind the first look doesn't keep it waiting", async () => {
  const looks = [0, 1, 2, 10].map((next) => ({ "paper.ticks": { 0: next, 2: 9 } }));
  const { wait, looks: count } = setUp(WHOLE, looks);
  await wait(600_000);
  expect(count()).toBe(4);
});

import { expect, test } from "vitest";
import type { AnyDraft } from "../../src/agent/draft.ts";
import { Inputs } from "../../src/stream/inputs.ts";
import type { Machine } from "../../src/stream/program.ts";
import { Tenure, type TenureServices } from "../../src/stream/tenure.ts";
import { FetchedBatch } from "../../src/topic/fetch/fetched-batch.ts";
import { bar } from "../support/samples.ts";
import { bufferedRecords } from "../topic/fetch/buffered-records.ts";

const AT = { topicName: "ticks", partition: 0 };
const DRAFT: AnyDraft = { topic: "bars", event: bar(), headers: {} };

/** A tenure of a program that gives `drafts` when it is idle, and what is noted with its marks. */
function setUp(drafts: AnyDraft[], idleBeforeUs?: number) {
  const idles: number[] = [];
  const noted: (number | undefined)[] = [];
  const machine: Machine = {
    take: () => [],
    idle: (nowUs) => {
      idles.push(nowUs);
      return drafts.splice(0);
    },
  };
  let published = 0;
  const services = {
    reader: { read: async () => [{ topic: "ticks", offset: 0 }] },
    member: {},
    marks: { write: async (_inputs: unknown, _machine: unknown, idleUs?: number) => void noted.push(idleUs) },
    snapshots: undefined,
    publish: async () => void published++,
    hasEnd: false,
  } as unknown as TenureServices; // all that a tenure asks of them
  const place = { ...AT, topic: "ticks", done: 0, isWhole: true, end: 0, lastEnd: undefined } as const;
  const inputs = new Inputs([{ ...place, next: 0, isPaused: false }], { seek: () => {}, hold: () => {} });
  const tenure = new Tenure(services, machine, inputs, idleBeforeUs);
  const take = () => {
    const range = { ...AT, fetchedOffset: 0, nextOffset: 1, logEnd: 1 };
    return tenure.take(new FetchedBatch(range, bufferedRecords([]), 1), async () => {});
  };
  return { tenure, take, idles, noted, count: () => published };
}

test("a mark says by when a program was idle behind its last record, and is no other where it gave nothing since", async () => {
  const { tenure, take, noted, idles } = setUp([DRAFT]);
  await tenure.idle();
  await tenure.idle();
  expect(noted).toEqual([idles[0], idles[0]]);
  await take();
  await tenure.note(false);
  expect(noted.at(-1)).toBe(undefined);
  await tenure.idle();
  expect(noted.at(-1)).toBe(idles.at(-1));
});

test("a restart is idle in silence as the run before was, and says so in its marks", async () => {
  const { tenure, noted, idles, count } = setUp([DRAFT], 77);
  await tenure.idle();
  expect(idles[0]).toBe(77);
  expect([count(), noted]).toEqual([0, [77]]);
  await tenure.idle();
  expect(idles.filter((time) => time === 77)).toEqual([77]);
});

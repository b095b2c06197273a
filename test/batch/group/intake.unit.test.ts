import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { ticks } from "../../../consumers/ticks.ts";
import { BufferSpace } from "../../../src/batch/buffer-space.ts";
import type { EncodedBatch } from "../../../src/batch/encode/encoded-batch.ts";
import { EventFilter } from "../../../src/batch/encode/event-filter.ts";
import { KnownDays } from "../../../src/batch/encode/known-days.ts";
import { Intake } from "../../../src/batch/group/intake.ts";
import type { Job } from "../../../src/batch/group/job.ts";
import { Lane } from "../../../src/batch/group/lane.ts";
import type { LandingPlan } from "../../../src/batch/land/landing-plan.ts";
import { recordDigest } from "../../../src/batch/land/landmark.ts";
import { Patience } from "../../../src/batch/patience.ts";
import { TradetapeError } from "../../../src/errors.ts";
import type { Registry } from "../../../src/event/registry.ts";
import { writeText } from "../../../src/table/rows/copy-buffer.ts";
import { RowEncoder } from "../../../src/table/rows/row-encoder.ts";
import { FetchedBatch, type LeaderEpoch } from "../../../src/topic/fetch/fetched-batch.ts";
import type { BufferedRecords } from "../../../src/topic/fetch/records.ts";
import type { EpochEnd } from "../../../src/topic/offsets.ts";
import { FIRST_LOG } from "../../support/landing.ts";
import { EVERY_SESSION_KIND, NOON } from "../../support/samples.ts";
import { bufferedRecords } from "../../topic/fetch/buffered-records.ts";

const VALUE = Buffer.from("0123456789");

/** What a fetch up to the list's last offset brought: a record at each offset of the list. */
function fetched(first: number, offsets: readonly number[], raw = offsets.length): FetchedBatch {
  const records = offsets.map((offset) => ({
    offset,
    timeMs: NOON / 1000,
    key: Buffer.from(`key ${offset}`),
    value: VALUE,
  }));
  return batchTo(first, offsets.at(-1)! + 1, bufferedRecords(records), raw);
}

const batchTo = (fetchedOffset: number, nextOffset: number, records: BufferedRecords, raw: number) =>
  new FetchedBatch({ topicName: "ticks", partition: 0, fetchedOffset, nextOffset, logEnd: nextOffset }, records, raw);

/** What a fetch of nothing but markers and aborted records brought. */
const markers = (first: number, next: number) => batchTo(first, next, bufferedRecords([]), next - first);

const range = (first: number, next: number) => Array.from({ length: next - first }, (_, n) => first + n);

function setUp(
  change: {
    space?: BufferSpace;
    unknown?: number[];
    registry?: Partial<Registry>;
    parkedEventsMax?: number;
    end?: number;
    checkTopic?: () => Promise<unknown>;
    epochEndOf?: (partition: number, epoch: number) => Promise<EpochEnd | undefined>;
  } = {},
) {
  const jobs: EncodedBatch[] = [];
  const space = change.space ?? new BufferSpace(1_000_000);
  const freed = (bytes: number) => space.free(bytes);
  const lane = new Lane(
    0,
    (_lane: Lane, job: Job) => new Promise(() => void (job.kind === "batch" && jobs.push(job.batch))),
    freed,
  );
  const pushed: EncodedBatch[] = [];
  const push = lane.push.bind(lane);
  lane.push = (job) => {
    if (job.kind === "batch") pushed.push(job.batch);
    push(job);
  };
  lane.begin({ ...FIRST_LOG, nextOffset: 100, parked: 0, landmark: undefined });
  const unknown = new Set(change.unknown ?? []);
  const reader = {
    missing: () => [...unknown],
    read: () => ({ source: "s", timestamp: NOON, backtest_session_id: null }),
  };
  const registry = {
    fetch: async (id: number) => {
      unknown.delete(id);
      return { reason: "x" };
    },
    ...change.registry,
  };
  const encoder = {
    consumer: ticks,
    reader,
    rowEncoder: new RowEncoder([{ name: "source", from: "event", write: writeText }], false),
    transcoders: { of: () => undefined },
    eventBytesMax: 1000,
    judge: () => undefined,
    newDaysPerBatchMax: 5,
    filter: new EventFilter(EVERY_SESSION_KIND),
    days: new KnownDays("market_data_tick"),
  };
  const ends = change.end === undefined ? undefined : new Map([[0, change.end]]);
  const plan = { topicName: "ticks", encoder, ends } as unknown as LandingPlan;
  const abort = new AbortController();
  const intake = new Intake({
    plan,
    registry: registry as Registry,
    space,
    patience: new Patience(pino({ level: "silent" }), abort.signal),
    member: { hold: () => undefined, letGo: () => undefined },
    checkTopic: change.checkTopic ?? (() => Promise.reject(new Error("nobody asks for the topic's settings"))),
    epochEndOf: change.epochEndOf ?? (() => Promise.reject(new Error("nobody asks where an epoch ends"))),
    config: { parkedEventsMax: change.parkedEventsMax ?? 1000 },
  } as ConstructorParameters<typeof Intake>[0]);
  let beats = 0;
  const heartbeat = async () => {
    beats++;
  };
  const take = (batch: FetchedBatch, isOurs = () => true) => intake.take({ lane, batch, heartbeat, isOurs });
  return { lane, intake, take, space, pushed, beats: () => beats, heartbeat };
}

const covered = ({ firstOffset, nextOffset }: EncodedBatch) => [firstOffset, nextOffset];

describe("a fetched batch", () => {
  it("that has landed is held against the landmark where no space is left for another", async () => {
    const space = new BufferSpace(1);
    space.take(1);
    const { lane, take } = setUp({ space });
    const batch = fetched(99, [99]);
    const digest = recordDigest(batch.records.record(0));
    lane.begin({ ...FIRST_LOG, nextOffset: 100, parked: 5000, landmark: { offset: 99, digest } });
    expect(await take(batch)).toBe("taken");
    await lane.known();
  });

  it("of which only a part is taken leaves space for nothing but whole bytes", async () => {
    const space = new BufferSpace(1_000_000);
    const taken: number[] = [];
    space.take = (bytes) => void taken.push(bytes);
    const { take, pushed } = setUp({ space, end: 101 });
    const { records } = fetched(100, range(100, 107));
    await take(batchTo(100, 107, { ...records, bufferBytes: 500 }, 7));
    expect([pushed.map(covered), taken.map(Number.isInteger)]).toEqual([[[100, 101]], [true]]);
  });

  it("that begins where the queue ends is queued, and the next one behind it", async () => {
    const { lane, take, pushed } = setUp();
    expect(await take(fetched(100, range(100, 110)))).toBe("taken");
    expect(await take(fetched(110, range(110, 115)))).toBe("taken");
    expect(pushed.map(covered)).toEqual([
      [100, 110],
      [110, 115],
    ]);
    expect(lane.tail).toBe(115);
  });

  it("that begins before it and reaches beyond is queued whole: the lock trims it", async () => {
    const { take, pushed } = setUp();
    expect(await take(fetched(90, range(90, 105)))).toBe("taken");
    expect(pushed.map(covered)).toEqual([[90, 105]]);
  });

  it("that lies below it altogether is left out", async () => {
    const { lane, take, pushed } = setUp();
    expect(await take(fetched(80, range(80, 100)))).toBe("taken");
    expect([pushed, lane.tail]).toEqual([[], 100]);
  });

  it("that begins beyond it isn't queued: Kafka has to be sent back", async () => {
    const { lane, take, pushed } = setUp();
    expect(await take(fetched(101, range(101, 110)))).toBe("lost the way");
    expect([pushed, lane.tail]).toEqual([[], 100]);
  });

  it("of a partition that was given away meanwhile isn't queued", async () => {
    const { take, pushed } = setUp();
    expect(await take(fetched(100, range(100, 110)), () => false)).toBe("not ours");
    expect(pushed).toEqual([]);
  });

  it("that was fetched before the partition's claim waits for its end, and isn't queued where that failed", async () => {
    const { lane, take, pushed } = setUp();
    lane.drop();
    let claim = () => {};
    lane.claimed = new Promise((resolve) => {
      claim = resolve;
    });
    const taken = take(fetched(100, range(100, 110)));
    claim();
    expect(await taken).toBe("not ours");
    expect(pushed).toEqual([]);
  });

  it("with markers or aborted records among its offsets covers them all", async () => {
    const { take, pushed } = setUp();
    expect(await take(fetched(100, [102, 103, 109], 10))).toBe("taken");
    expect(pushed.map(covered)).toEqual([[100, 110]]);
  });

  it("that lacks records which the log should have is lost history", async () => {
    const { take } = setUp();
    await expect(take(fetched(100, [102, 103, 109]))).rejects.toMatchObject({ code: "history_lost" });
  });

  it("that holds another record than the one that landed last is lost history", async () => {
    const { lane, take, pushed } = setUp();
    const batch = fetched(99, range(99, 105));
    lane.begin({
      ...FIRST_LOG,
      nextOffset: 100,
      parked: 0,
      landmark: { offset: 99, digest: recordDigest(batch.records.record(0)) },
    });
    expect(await take(batch)).toBe("taken");
    expect(pushed).toHaveLength(1);
    lane.begin({ ...FIRST_LOG, nextOffset: 100, parked: 0, landmark: { offset: 99, digest: Buffer.alloc(32) } });
    await expect(take(fetched(99, range(99, 106)))).rejects.toMatchObject({ code: "history_lost" });
  });

  it("of a schema that isn't known waits for the registry, however long that is away", async () => {
    let tries = 0;
    const fetch = async () => {
      if (++tries < 3) throw new TradetapeError("registry_unreachable", "away", { canRetry: true });
      return { reason: "unknown" };
    };
    const { take, pushed } = setUp({ unknown: [7], registry: { fetch } });
    expect(await take(fetched(100, [100]))).toBe("taken");
    expect([tries, pushed.length]).toEqual([3, 1]);
  });
});

describe("back-pressure", () => {
  it("holds a batch until there is space for it, and keeps the membership alive meanwhile", async () => {
    const space = new BufferSpace(1000);
    const { take, pushed, beats } = setUp({ space });
    space.take(995);
    let isTaken = false;
    const taken = take(fetched(100, range(100, 110))).then(() => {
      isTaken = true;
    });
    await expect.poll(beats).not.toBe(0);
    expect([isTaken, pushed]).toEqual([false, []]);
    space.free(995);
    await taken;
    expect(pushed).toHaveLength(1);
  });

  it("holds a batch while too many events of its partition are parked", async () => {
    const { lane, take, pushed, beats } = setUp({ parkedEventsMax: 3 });
    lane.parked = 3;
    const taken = take(fetched(100, [100]));
    await expect.poll(beats).not.toBe(0);
    expect(pushed).toEqual([]);
    lane.parked = 2;
    expect(await taken).toBe("taken");
  });
});

describe("a batch that another leader took than what lies before it", () => {
  const taken = (leaderEpochs: readonly LeaderEpoch[]) => {
    const { records } = fetched(100, range(100, 110));
    const at = { topicName: "ticks", partition: 0, fetchedOffset: 100, nextOffset: 110, logEnd: 110 };
    return new FetchedBatch(at, records, 10, { leaderEpochs });
  };
  const begun = (end: number) => {
    const parts = setUp({ epochEndOf: async (_, epoch) => ({ epoch, end }) });
    const log = { rewinds: 2, claims: 4, topicId: "t", leaderEpoch: 5, end: 110 };
    parts.lane.begin({ nextOffset: 100, parked: 0, landmark: undefined, ...log });
    return parts;
  };

  it("isn't queued where the log lost some of that, though the offsets follow", async () => {
    const { take, pushed } = begun(99);
    await expect(take(taken([{ from: 98, epoch: 6 }]))).rejects.toMatchObject({ code: "history_lost" });
    expect(pushed).toEqual([]);
  });

  it("is queued where the log has all of it, with the log that it is of and the leader that took its end", async () => {
    const { take, pushed, lane } = begun(100);
    await take(
      taken([
        { from: 98, epoch: 6 },
        { from: 104, epoch: 7 },
      ]),
    );
    expect(pushed.map(({ origin }) => origin)).toEqual([{ rewinds: 2, claims: 4, topicId: "t", leaderEpoch: 7 }]);
    expect(lane.leaderEpoch).toBe(7);
  });
});

describe("a batch with the times of its producers", () => {
  /** As two records are read that were written while the topic took producers' times, and one from behind that. */
  function producersTimes(): FetchedBatch {
    const record = (offset: number, timeMs: number) => ({ offset, timeMs, key: null, value: VALUE });
    const records = bufferedRecords([record(100, 0), record(101, NOON / 1000), record(102, 0)]);
    const at = { topicName: "ticks", partition: 0, fetchedOffset: 100, nextOffset: 103, logEnd: 103 };
    return new FetchedBatch(at, records, 3, { isBrokersTime: false });
  }

  it("ends the group where the topic still takes these, and queues nothing", async () => {
    const wrong = new TradetapeError("topic_misconfigured", "message.timestamp.type is CreateTime");
    const { take, pushed } = setUp({ checkTopic: () => Promise.reject(wrong) });
    await expect(take(producersTimes())).rejects.toBe(wrong);
    expect(pushed).toEqual([]);
  });

  it("becomes letters and rows where the topic is mended, since nobody knows when those records were published", async () => {
    const { take, pushed } = setUp({ checkTopic: async () => undefined });
    expect(await take(producersTimes())).toBe("taken");
    expect(
      pushed.map(({ letters, rows }) => [letters.map(({ index, reason }) => [index, reason]), rows.ends.length]),
    ).toEqual([
      [
        [
          [0, "producer_time"],
          [2, "producer_time"],
        ],
        1,
      ],
    ]);
  });
});

describe("a batch of markers alone", () => {
  it("is queued as holes where the queue ends", async () => {
    const { lane, take, pushed } = setUp();
    expect(await take(markers(100, 103))).toBe("taken");
    expect(pushed.map(covered)).toEqual([[100, 103]]);
    expect([pushed[0]?.rows.ends.length, lane.tail]).toEqual([0, 103]);
  });

  it("that begins beyond the queue's end is a lost way, and one below it nothing new", async () => {
    const { take, pushed } = setUp();
    expect(await take(markers(101, 103))).toBe("lost the way");
    expect(await take(markers(90, 100))).toBe("taken");
    expect(pushed).toEqual([]);
  });

  it("where the last record landed is another log's", async () => {
    const { lane, take } = setUp();
    lane.begin({ ...FIRST_LOG, nextOffset: 100, parked: 0, landmark: { offset: 99, digest: Buffer.alloc(32) } });
    await expect(take(markers(98, 103))).rejects.toMatchObject({ code: "history_lost" });
  });
});

import type { Consumer } from "../batch/consumer.ts";
import { encodeBatch } from "../batch/encode/encode.ts";
import { firstFrom } from "../batch/group/withhold.ts";
import type { LandingPlan } from "../batch/land/landing-plan.ts";
import { LetterDigest, mostFirst, schemasOf } from "../batch/land/letter-digest.ts";
import { answersText, ownSchemas } from "../batch/land/letter-verdict.ts";
import { judge, Patience } from "../batch/patience.ts";
import type { LandingServices } from "../batch/run/landing-services.ts";
import { makeLandingPlan } from "../batch/run/make-landing-plan.ts";
import { added, emptyTally, type Tally } from "../batch/tally.ts";
import { HEADER_BYTES } from "../event/codec.ts";
import type { LetterKind } from "../table/checks/group-states.ts";
import { type ParkedSchema, parkedSchemas } from "../table/letters/allowed-letters.ts";
import type { SessionSource } from "../table/pool/session-pool.ts";
import type { FetchedBatch } from "../topic/fetch/fetched-batch.ts";
import { type OffsetRange, readRanges } from "../topic/read-ranges.ts";
import { previewBatch } from "./preview-batch.ts";
import { unlandedRanges } from "./waiting.ts";

/** What would become of a topic's events that wait. */
export interface Preview {
  /** How many offsets have not landed, and of how many it is told. */
  readonly waiting: number;
  readonly seen: number;
  readonly counts: Tally;
  readonly letters: readonly LetterKind[];
  /** Events that wait for their parents, by schema. */
  readonly parked: readonly ParkedSchema[];
  /** The answers to the letters, as commands; none where no letter could stop the group and nothing is parked. */
  readonly answers: readonly string[];
}

interface PreviewOptions {
  /** So many offsets are looked at at most, as many of each partition. */
  readonly offsetsMax: number;
  readonly stop: AbortSignal;
  readonly onProgress: (seen: number, total: number) => void;
}

/**
 * Reads what waits behind the offsets that have landed, and says what would become of it now. Nothing lands, and no group is
 * disturbed: it is read by a group of its own, and each batch is tried in a transaction that is rolled back. An event that is
 * repeated in another batch counts as often as it comes.
 */
export async function preview(
  services: LandingServices,
  consumer: Consumer,
  options: PreviewOptions,
): Promise<Preview> {
  const plan = await makeLandingPlan(services, consumer);
  const { waiting, ranges } = await rangesOf(services, plan, options.offsetsMax);
  const viewer = new Previewer(services, plan, ranges, options);
  await viewer.run();
  const { seen, counts, letters } = viewer;
  const parked = await services.questions.use((connection) => parkedSchemas(connection, plan.topicName));
  const answers = await answersOf(services, plan, letters, parked);
  return { waiting, seen, counts, letters, parked, answers };
}

/** Parked events are among them, because they become letters where their parents never come. */
async function answersOf(
  { registry }: LandingServices,
  plan: LandingPlan,
  letters: readonly LetterKind[],
  parked: readonly ParkedSchema[],
): Promise<readonly string[]> {
  const stopping = letters.filter(({ reason }) => reason !== "conflicting_duplicate");
  if (stopping.length === 0 && parked.length === 0) return [];
  const asLetters = parked.map(({ schemaId, events }) => ({ schemaId, letters: events }));
  const schemas = mostFirst([...schemasOf(stopping), ...asLetters]);
  for (const { schemaId } of schemas) if (schemaId !== null) await registry.fetch(schemaId);
  return answersText(plan.consumer.topic, schemas, await ownSchemas(plan));
}

async function rangesOf(
  { questions, admin }: LandingServices,
  { topicName }: LandingPlan,
  offsetsMax: number,
): Promise<{ readonly waiting: number; readonly ranges: readonly OffsetRange[] }> {
  const log = await admin.fetchOffsets(topicName);
  const all = await questions.use((connection) => unlandedRanges(connection, topicName, log));
  const waiting = all.reduce((sum, { from, to }) => sum + to - from, 0);
  const share = Math.ceil(offsetsMax / Math.max(1, all.length));
  return {
    waiting,
    ranges: all.map((range) => ({ ...range, to: Math.min(range.to, range.from + share) })),
  };
}

class Previewer {
  readonly #services: LandingServices;
  readonly #plan: LandingPlan;
  readonly #ranges: readonly OffsetRange[];
  readonly #options: PreviewOptions;
  readonly #digest: LetterDigest;
  readonly #session: SessionSource;
  readonly #patience: Patience;
  readonly #total: number;
  counts: Tally;
  seen = 0;

  constructor(services: LandingServices, plan: LandingPlan, ranges: readonly OffsetRange[], options: PreviewOptions) {
    const { log, clock, sessions } = services;
    this.#services = services;
    this.#plan = plan;
    this.#ranges = ranges;
    this.#options = options;
    this.#digest = new LetterDigest(plan.topicName);
    this.#session = sessions.landing.share(1);
    this.#patience = new Patience(log, options.stop, clock);
    this.#total = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    this.counts = emptyTally(plan.consumer.topic);
  }

  get letters(): readonly LetterKind[] {
    return this.#digest.kinds;
  }

  /** Resolves when all ranges have been seen, or at the stop. */
  async run(): Promise<void> {
    const { client, config } = this.#services;
    const { fetchPartitionBytesMax, sessionTimeoutMs } = config;
    const options = { fetchPartitionBytesMax, sessionTimeoutMs, stop: this.#options.stop };
    await readRanges(client, this.#plan.topicName, this.#ranges, options, (batch, asked) => this.#see(batch, asked));
  }

  async #see(batch: FetchedBatch, { partition, from, to }: OffsetRange): Promise<number> {
    const { encoder, topicName } = this.#plan;
    for (const id of encoder.reader.missing(batch.heads(HEADER_BYTES))) {
      await this.#insist(`schema ${id}`, () => this.#services.registry.fetch(id));
    }
    const { records } = batch;
    const range = { firstOffset: from, nextOffset: to, from: firstFrom(records, from), to: firstFrom(records, to) };
    const encoded = encodeBatch(encoder, partition, records, range);
    const row = await this.#insist(`${topicName}/${partition}`, () =>
      this.#session.use((connection) => previewBatch(connection, this.#plan, encoded, this.#digest)),
    );
    this.counts = added(this.counts, row);
    this.seen += encoded.nextOffset - from;
    this.#options.onProgress(this.seen, this.#total);
    return encoded.nextOffset;
  }

  #insist<R>(what: string, attempt: () => Promise<R>): Promise<R> {
    const { topicName } = this.#plan;
    return this.#patience.insist(what, attempt, (error) => judge(error, topicName));
  }
}

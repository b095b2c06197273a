import { randomUUID } from "node:crypto";
import { firstPublishedUs, REDRIVE_HEADERS, rawHeaders } from "../batch/encode/headers.ts";
import type { Ops } from "../operator/ops.ts";
import { committed } from "../table/committed.ts";
import type { LetterFilter } from "../table/letters/dead-letters.ts";
import {
  asOfNow,
  EVERY_ATTEMPT,
  type LetterPlace,
  type LetterRecord,
  lockOpenLetters,
  markRedriven,
  type OpenLetter,
  openPlaces,
  type RedrivenLetter,
  readLetterRecords,
} from "../table/letters/letter-actions.ts";
import type { RawMessage, RawPublisher } from "../topic/publish/raw-publish.ts";
import { type GoneValue, type LogSource, withWholeValues } from "./cut-values.ts";
import { RateCap } from "./rate-cap.ts";

export interface RedriveOptions {
  readonly filter: LetterFilter;
  /** Letters that were redriven this often stay as they are; Infinity spares none. */
  readonly attemptsMax: number;
  readonly lettersMax: number;
  /** Events per second. */
  readonly perSecondMax: number | undefined;
  /** Aborting stops between two events; the same call again goes on from there. */
  readonly stop: AbortSignal;
  readonly onProgress?: (sent: number) => void;
}

/** Where events were published again. */
export interface Redriven {
  readonly topic: string;
  readonly partition: number;
  readonly offsets: number[];
  /** Letters that stay as they are, because nobody has their events whole any more. */
  readonly gone: GoneValue[];
}

/** A page is one transaction and one entry of the audit trail. */
const PAGE_LETTERS_MAX = 500;
const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** With a rate cap a page takes at most this long: until it ends, its letters are locked and a crash sends them twice. */
const PAGE_SECONDS_MAX = 5;

/**
 * Publishes letters again as they were, bytes, key and headers, to the partition they came from, in their order. A
 * letter's state changes after its event was acknowledged, in one transaction with the audit entry; who dies in between
 * sends those events twice, and ids make the second harmless.
 * @returns where the events are now, by partition
 * @throws TradetapeError publish_refused and the like; what was acknowledged before is recorded
 */
export async function redrive(
  ops: Ops,
  publisher: RawPublisher,
  source: LogSource,
  options: RedriveOptions,
): Promise<readonly Redriven[]> {
  const attemptsMax = Math.min(options.attemptsMax, EVERY_ATTEMPT);
  // An event that dies again while this runs is a new letter and meets the same filter: only those of before are meant.
  const filter = await asOfNow(ops.connection, options.filter);
  const rateCap = new RateCap(options.perSecondMax, options.stop);
  const run = { ...options, filter, attemptsMax, actionId: randomUUID(), rateCap, source };
  const all: Redriven[] = [];
  let sent = 0;
  for (const place of await openPlaces(ops.connection, filter)) {
    const redriven: Redriven = { topic: place.topic, partition: place.partition, offsets: [], gone: [] };
    all.push(redriven);
    for (let afterOffset = -1; ; ) {
      const lettersMax = options.lettersMax - sent;
      if (lettersMax <= 0 || options.stop.aborted) return all;
      const page = await redrivePage(ops, publisher, { ...run, ...place, afterOffset, lettersMax });
      if (page.isLast) break;
      sent += page.sent.length;
      options.onProgress?.(sent);
      redriven.gone.push(...page.gone);
      redriven.offsets.push(...page.sent.map(({ redrivenOffset }) => redrivenOffset));
      afterOffset = page.lastOffset;
    }
  }
  return all;
}

interface PageRun extends RedriveOptions, LetterPlace {
  readonly actionId: string;
  readonly rateCap: RateCap;
  readonly source: LogSource;
  readonly afterOffset: number;
}

interface RedrivenPage {
  readonly sent: readonly RedrivenLetter[];
  readonly gone: readonly GoneValue[];
  /** The last offset that this page is done with. */
  readonly lastOffset: number;
  /** Whether there was nothing to send any more, or it was stopped. */
  readonly isLast: boolean;
}

async function redrivePage(ops: Ops, publisher: RawPublisher, run: PageRun): Promise<RedrivenPage> {
  const { connection, osUser } = ops;
  const { topic, partition, rewind, filter, actionId } = run;
  const page = await committed(connection, async () => {
    const rowsMax = Math.min(run.lettersMax, PAGE_LETTERS_MAX, Math.ceil((run.perSecondMax ?? 1e9) * PAGE_SECONDS_MAX));
    const found = await lockOpenLetters(connection, filter, { ...run, rowsMax, but: "unreadable_batch" });
    const { looked, locked, lastOffset } = found;
    if (locked.length === 0) return { sent: [], gone: [], failure: undefined, lastOffset, isLast: looked === 0 };
    const offsets = locked.map(({ offset }) => offset);
    const records = await readLetterRecords(connection, run, offsets, PAGE_BYTES_MAX);
    const { whole, gone } = await withWholeValues(run.source, run, records, run.stop);
    const { sent, failure } = await send(publisher, run, locked, whole);
    if (sent.length > 0) {
      await markRedriven(connection, { topic, partition, rewind, filter, actionId, osUser }, sent);
    }
    // Those that are gone lie before or behind those that were sent; without any sent the page is done with all the same.
    const last = sent.length === whole.length ? records.at(-1) : sent.at(-1);
    return { sent, gone, failure, lastOffset: last?.offset ?? lastOffset, isLast: last === undefined };
  });
  if (page.failure) throw page.failure.error;
  return page;
}

interface Sent {
  readonly sent: readonly RedrivenLetter[];
  /** What ended it early: those sent before are to be recorded first. */
  readonly failure: { readonly error: unknown } | undefined;
}

/** @param records of those of `locked` that fit a page, and are whole */
async function send(
  publisher: RawPublisher,
  run: PageRun,
  locked: readonly OpenLetter[],
  records: readonly LetterRecord[],
): Promise<Sent> {
  const attemptsOf = new Map(locked.map(({ offset, attempts }) => [offset, attempts + 1]));
  const sent: RedrivenLetter[] = [];
  while (sent.length < records.length) {
    const step = run.rateCap.step(records.length - sent.length);
    const part = records.slice(sent.length, sent.length + step);
    await run.rateCap.turn(part.length);
    if (run.stop.aborted) break;
    const messages = part.map((record) => redriveMessage(run, record, attemptsOf.get(record.offset)!));
    try {
      const offsets = await publisher.publishToPartition(messages);
      for (const [n, { offset }] of part.entries()) {
        sent.push({ offset, redrivenOffset: offsets[n]! });
      }
    } catch (error) {
      return { sent, failure: { error } };
    }
  }
  return { sent, failure: undefined };
}

/** The record as it was, and beside it how often, from where and since when. */
export function redriveMessage(
  place: { readonly topic: string; readonly partition: number },
  letter: LetterRecord,
  attempts: number,
): RawMessage {
  const { topic, partition } = place;
  const headers = rawHeaders(letter.headers);
  const revisedAtUs = firstPublishedUs(headers, letter.publishedAtMs * 1000);
  return {
    topicName: topic,
    partition,
    key: letter.key,
    value: letter.value,
    headers: {
      ...headers,
      [REDRIVE_HEADERS.attempt]: String(attempts),
      [REDRIVE_HEADERS.from]: `${topic}/${partition}/${letter.offset}`,
      [REDRIVE_HEADERS.revisedAt]: String(revisedAtUs),
    },
  };
}

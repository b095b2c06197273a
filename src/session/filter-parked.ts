import type { Consumer } from "../batch/consumer.ts";
import { sessionOf } from "../batch/encode/session-sieve.ts";
import { EventReader } from "../event/codec.ts";
import { Refusal } from "../event/letter.ts";
import type { Registry } from "../event/registry.ts";
import type { Ops } from "../operator/ops.ts";
import { landedPlaces } from "../table/checks/landed-places.ts";
import { committed } from "../table/committed.ts";
import { lockPartition } from "../table/landing/landed.ts";
import { advance, type LedgerRow, NOTHING_COUNTED } from "../table/landing/ledger.ts";
import { type ParkedRecord, parkedPage, unpark } from "../table/landing/parked.ts";
import { topicName } from "../topic/topics.ts";
import { SESSION_CONSUMERS } from "./tables.ts";

/** As many as a release takes: a transaction of the size of a small fetch. */
const PAGE_EVENTS_MAX = 2000;

/** Whose parked events are filtered. Aborting `stop` ends it between two transactions. */
export interface ParkedOf {
  readonly session: string;
  readonly namespace: string;
  readonly registry: Registry;
  readonly stop: AbortSignal;
}

/**
 * Filters the parked events of a session whose rows are gone. Those that wait for the session itself are taken up by
 * the sweep; one that waits for a prediction or a decision would wait out its deadline and become a letter.
 * @returns how many
 */
export async function filterParked(ops: Ops, options: ParkedOf): Promise<number> {
  let filtered = 0;
  for (const consumer of SESSION_CONSUMERS.filter(({ landing }) => landing.parents.length > 0)) {
    const name = topicName(options.namespace, consumer.topic);
    for (const { topic, partition } of await landedPlaces(ops.connection)) {
      if (topic === name) filtered += await filterPartition(ops, consumer, { topic, partition }, options);
    }
  }
  return filtered;
}

async function filterPartition(
  { connection }: Ops,
  consumer: Consumer,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  { session, registry, stop }: ParkedOf,
): Promise<number> {
  const reader = new EventReader(consumer.topic, registry);
  const isTheirs = ({ value }: ParkedRecord) => {
    const event = reader.read(value);
    return !(event instanceof Refusal) && sessionOf(event) === session;
  };
  let filtered = 0;
  for (let after: number | undefined = -1; after !== undefined && !stop.aborted; ) {
    const afterOffset: number = after;
    after = await committed(connection, async () => {
      const next = await lockPartition(connection, topic, partition);
      const page = await parkedPage(connection, { topic, partition, afterOffset, rowsMax: PAGE_EVENTS_MAX });
      // The lock is held while the registry answers, which happens once a schema.
      for (const id of reader.missing(page.map(({ value }) => value))) await registry.fetch(id);
      const offsets = page.filter(isTheirs).map(({ offset }) => offset);
      if (offsets.length > 0) {
        await unpark(connection, topic, partition, offsets);
        await advance(connection, topic, { partition, ledger: filteredRow(next, offsets.length), detail: { session } });
      }
      filtered += offsets.length;
      return page.at(-1)?.offset;
    });
  }
  return filtered;
}

const filteredRow = (next: number, events: number): LedgerRow => ({
  kind: "release",
  firstOffset: next,
  nextOffset: next,
  holes: 0,
  lost: 0,
  ...NOTHING_COUNTED,
  superseded: 0,
  parked: -events,
  filtered: events,
});

import type { Config } from "../../config.ts";
import { EventReader } from "../../event/codec.ts";
import type { Day } from "../../event/day.ts";
import type { Registry } from "../../event/registry.ts";
import { SIGNATURE_HEADER } from "../../signature/entry-signature.ts";
import type { KnownKeys } from "../../signature/known-keys.ts";
import type { CheckedColumn } from "../../table/rows/catalog.ts";
import { RowEncoder } from "../../table/rows/row-encoder.ts";
import { topicName } from "../../topic/topics.ts";
import type { Consumer } from "../consumer.ts";
import type { Encoder } from "./encoder.ts";
import type { EventFilter } from "./event-filter.ts";
import { judgeOf } from "./judge.ts";
import { KnownDays } from "./known-days.ts";
import { Transcoders, transcoderPlan } from "./transcoders.ts";

/**
 * Makes what turns a consumer's records into rows.
 * @param columns as `checkCatalog` found them in the live table
 * @param keys by which entries of the audit trail may be signed; without them signatures aren't looked at
 * @param days those that the table has partitions of
 */
export function makeEncoder(
  consumer: Consumer,
  columns: readonly CheckedColumn[],
  registry: Registry,
  filter: EventFilter,
  config: Config,
  keys: KnownKeys | undefined,
  days: Iterable<Day> = [],
): Encoder {
  const { topic, landing } = consumer;
  const reader = new EventReader(topic, registry);
  const rulesOff = new Set<string>(config.rulesOff);
  return {
    consumer,
    reader,
    rowEncoder: new RowEncoder(columns, landing.repeats === "revised"),
    transcoders: new Transcoders(reader, transcoderPlan(consumer, columns, config.early1970, rulesOff)),
    eventBytesMax: config.eventBytesMax,
    early1970: config.early1970,
    judge: judgeOf(topic, rulesOff),
    signerOf: landing.chained ? signerOf(topicName(config.namespace, topic), keys) : undefined,
    newDaysPerBatchMax: config.newDaysPerBatchMax,
    filter,
    days: new KnownDays(landing.table, config.daysAhead, days),
  };
}

function signerOf(name: string, keys: KnownKeys | undefined): Encoder["signerOf"] {
  if (keys === undefined) return undefined;
  return ({ value, headers }, actor, publishedAtMs) =>
    keys.signerOf(name, value!, headers![SIGNATURE_HEADER]!, actor, publishedAtMs);
}

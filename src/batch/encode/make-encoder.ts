import type { Config } from "../../config.ts";
import { EventReader } from "../../event/codec.ts";
import type { Registry } from "../../event/registry.ts";
import type { CheckedColumn } from "../../table/rows/catalog.ts";
import { RowEncoder } from "../../table/rows/row-encoder.ts";
import type { Consumer } from "../consumer.ts";
import type { Encoder } from "./encoder.ts";
import type { EventFilter } from "./event-filter.ts";
import { judgeOf } from "./judge.ts";
import { KnownDays } from "./known-days.ts";
import { Transcoders, transcoderPlan } from "./transcoders.ts";

/** Makes what turns a consumer's records into rows. @param columns as `checkCatalog` found them in the live table */
export function makeEncoder(
  consumer: Consumer,
  columns: readonly CheckedColumn[],
  registry: Registry,
  filter: EventFilter,
  config: Config,
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
    newDaysPerBatchMax: config.newDaysPerBatchMax,
    filter,
    days: new KnownDays(landing.table, config.daysAhead),
  };
}

import { HEADER_BYTES, MAGIC } from "../../event/codec.ts";
import type { RulesOff } from "../../event/rules.ts";
import type { Early1970 } from "../../event/time/range.ts";
import type { WireLayout } from "../../event/wire-layout.ts";
import type { CheckedColumn } from "../../table/rows/catalog.ts";
import { hasSessions } from "../../table/rows/landing-table.ts";
import { Transcoder, type TranscoderPlan } from "../../table/rows/transcoder.ts";
import type { ValuePlace } from "../../topic/fetch/records.ts";
import type { Consumer } from "../consumer.ts";
import { rowJudgeOf } from "./judge.ts";

/** Knows how a writer's events lie in bytes, by the id of the writer's schema. */
interface Layouts {
  layout(schemaId: number): WireLayout | undefined;
}

export function transcoderPlan(
  consumer: Consumer,
  columns: readonly CheckedColumn[],
  early1970: Early1970,
  rulesOff: RulesOff,
): TranscoderPlan {
  const { topic, landing, time } = consumer;
  const judge = rowJudgeOf(topic, rulesOff);
  return { columns, revised: landing.repeats === "revised", time, session: hasSessions(landing), early1970, judge };
}

/** The transcoders of one topic's writers, made as their schemas are met. */
export class Transcoders {
  readonly #layouts: Layouts;
  readonly #plan: TranscoderPlan;
  readonly #byId = new Map<number, Transcoder | undefined>();
  #lastId = Number.NaN;
  #last: Transcoder | undefined;

  constructor(layouts: Layouts, plan: TranscoderPlan) {
    this.#layouts = layouts;
    this.#plan = plan;
  }

  /** The transcoder of a value's writer; undefined where the value has to be read as an object, or is no event at all. */
  of({ bytes, start, end }: ValuePlace): Transcoder | undefined {
    if (end - start < HEADER_BYTES || bytes[start] !== MAGIC) return undefined;
    const id = (bytes[start + 1]! << 24) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!;
    if (id === this.#lastId) return this.#last;
    const found = this.#byId.get(id) ?? this.#make(id);
    // A schema without a transcoder isn't remembered, because the registry may come to know it.
    if (found !== undefined) {
      this.#last = found;
      this.#lastId = id;
    }
    return found;
  }

  #make(id: number): Transcoder | undefined {
    const layout = this.#layouts.layout(id);
    const made = layout && Transcoder.of(layout, this.#plan);
    if (made !== undefined) this.#byId.set(id, made);
    return made;
  }
}

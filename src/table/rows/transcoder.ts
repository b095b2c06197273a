import type { Early1970 } from "../../event/time/range.ts";
import type { WireField, WireLayout } from "../../event/wire-layout.ts";
import type { CheckedColumn } from "./catalog.ts";
import { type CopyBuffer, writeNull } from "./copy-buffer.ts";
import { DECLINED, type Step } from "./fixed-steps.ts";
import type { RecordFacts } from "./row-encoder.ts";
import type { RowJudge } from "./row-judge.ts";
import { isSame } from "./text-steps.ts";
import {
  FIELD_BYTES_MAX,
  fieldOf,
  GROWTH_PER_BYTE,
  longestField,
  nullableStep,
  skipStep,
  timeStep,
  writeStep,
} from "./transcode-steps.ts";

/** Whose rows are made, and what a landing looks at in them besides. */
export interface TranscoderPlan {
  readonly columns: readonly CheckedColumn[];
  /** Whether a null `revised_at` becomes the time of publishing. */
  readonly revised: boolean;
  /** The event's field that says when it happened. */
  readonly time: string | undefined;
  /** Whether times in the first quarter of 1970 are taken, which are another unit's by mistake as a rule. */
  readonly early1970: Early1970;
  /** Whether the event's session is asked for. */
  readonly session: boolean;
  /** Looks at each row that was written; undefined where the table's CHECKs say everything. */
  readonly judge: RowJudge | undefined;
}

/** What the steps of one row tell beside its bytes. */
interface Watch {
  facts: RecordFacts | undefined;
  time: number;
  /** Where the session's field begins; -1 is null. */
  sessionAt: number;
}

const SESSION_COLUMN = "backtest_session_id";
const UUID_BYTES = 36;

/**
 * Turns one writer's Avro bytes straight into rows in COPY's binary format: no object per event, no string per text.
 * It takes what it understands to the last bit and declines the rest, which is read as an object then: so a letter is
 * the same whichever way its event went, and nothing here has to say what is wrong.
 */
export class Transcoder {
  /** Microseconds since 1970 of the last row written; 0 where its event has none. */
  time = 0;
  /** The session of the last row written, as its event spells it; null is live. */
  session: string | null = null;
  readonly #steps: readonly Step[];
  readonly #columnCount: number;
  readonly #growthMax: number;
  readonly #watch: Watch;
  readonly #judge: RowJudge | undefined;
  readonly #knownBytes = new Uint8Array(UUID_BYTES);
  #knownSession: string | null = null;

  private constructor(steps: readonly Step[], { columns, judge }: TranscoderPlan, growthMax: number, watch: Watch) {
    this.#steps = steps;
    this.#columnCount = columns.length;
    this.#growthMax = growthMax;
    this.#watch = watch;
    this.#judge = judge;
  }

  /** Undefined where a writer's events have to be read as objects: what it lays out is in another order, or can't be. */
  static of(layout: WireLayout, plan: TranscoderPlan): Transcoder | undefined {
    const watch: Watch = { facts: undefined, time: 0, sessionAt: -1 };
    const steps: Step[] = [];
    let growthMax = 2;
    let at = 0;
    const take = (step: Step | undefined) => step !== undefined && steps.push(step) > 0;
    const watched = (name: string, step: Step) => plan.judge?.watched(name, step) ?? step;
    for (const column of plan.columns) {
      const { name } = column;
      const isEvent = column.from === "event";
      if (!isEvent || layout.defaults.has(name)) {
        const value = isEvent ? layout.defaults.get(name) : undefined;
        const step = isEvent && !isRevision(column, plan, value) ? constant(column, value) : fact(column, watch);
        steps.push(watched(name, step as Step));
        growthMax += FIELD_BYTES_MAX + (isEvent ? fieldOf(column.write, value).length : 0);
      } else {
        for (; at < layout.fields.length && layout.fields[at]!.name !== name; at++) {
          if (!take(skipStep(layout.fields[at]!))) return undefined;
        }
        const field = layout.fields[at++];
        const step = field && fieldStep(field, column, plan, watch);
        if (field === undefined || step === undefined) return undefined;
        steps.push(watched(name, step));
        growthMax += longestField(field);
      }
    }
    for (; at < layout.fields.length; at++) if (!take(skipStep(layout.fields[at]!))) return undefined;
    return new Transcoder(steps, plan, growthMax, watch);
  }

  /**
   * Appends the row of the event whose Avro bytes are `bytes` [start, end), and tells its `time` and `session`; or
   * declines, and leaves `out` as it was.
   */
  write(out: CopyBuffer, bytes: Uint8Array, start: number, end: number, facts: RecordFacts): boolean {
    const watch = this.#watch;
    watch.facts = facts;
    watch.time = 0;
    watch.sessionAt = -1;
    const row = out.length;
    out.reserve(this.#growthMax + GROWTH_PER_BYTE * (end - start));
    out.int16(this.#columnCount);
    const steps = this.#steps;
    let at = start;
    for (let i = 0; i < steps.length; i++) {
      at = steps[i]!(out, bytes, at, end);
      if (at === DECLINED) break;
    }
    if (at !== end || this.#judge?.mayBreak(out)) {
      out.length = row;
      return false;
    }
    this.time = watch.time;
    this.session = watch.sessionAt < 0 ? null : this.#sessionText(bytes, watch.sessionAt + 1);
    return true;
  }

  /** Nearly all rows of a batch have one session: its text is made once. */
  #sessionText(bytes: Uint8Array, at: number): string {
    if (this.#knownSession === null || !isSame(bytes, at, UUID_BYTES, this.#knownBytes)) {
      this.#knownBytes.set(bytes.subarray(at, at + UUID_BYTES));
      this.#knownSession = Buffer.from(this.#knownBytes).toString("latin1");
    }
    return this.#knownSession;
  }
}

function fieldStep(field: WireField, column: CheckedColumn, plan: TranscoderPlan, watch: Watch): Step | undefined {
  const write = writeStep(field, column.write, plan.early1970);
  if (write === undefined) return undefined;
  let step = write;
  if (column.name === plan.time) step = timeStep(watch, write);
  if (plan.session && column.name === SESSION_COLUMN) step = sessionStep(watch, write);
  if (field.nullBranch === undefined) return step;
  const whenNull = isRevision(column, plan, null) ? fact(column, watch) : writeNull;
  return nullableStep(field.nullBranch, whenNull, step);
}

const isRevision = (column: CheckedColumn, plan: TranscoderPlan, value: unknown): boolean =>
  plan.revised && column.name === "revised_at" && (value === null || value === undefined);

const sessionStep =
  (watch: Watch, step: Step): Step =>
  (out, bytes, at, end) => {
    watch.sessionAt = at;
    return step(out, bytes, at, end);
  };

/** A column that the record fills. */
function fact(
  { name, write }: CheckedColumn,
  watch: Watch,
): (out: CopyBuffer, bytes?: Uint8Array, at?: number) => number {
  return (out, _bytes, at = 0) => {
    const facts = watch.facts!;
    const value =
      name === "revised_at" ? (facts.first_published_at ?? facts.published_at) : facts[name as keyof RecordFacts];
    if (value !== null && value !== undefined) return write(out, value) ? at : DECLINED;
    writeNull(out);
    return at;
  };
}

function constant({ write }: CheckedColumn, value: unknown): Step {
  const field = fieldOf(write, value);
  return (out, _bytes, at) => {
    out.bytes.set(field, out.length);
    out.length += field.length;
    return at;
  };
}

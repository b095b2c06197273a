import type { Log } from "../log.ts";
import type { SoleMember } from "../topic/fetch/sole-member.ts";
import type { Input } from "./inputs.ts";
import type { Machine } from "./program.ts";

/** A crash costs repeats of what was published within this time; more often would be a request per batch. */
const MARK_MS = 1000;

/** Writes where a program is. */
export class Marks {
  readonly #member: SoleMember;
  readonly #log: Log;
  #written = "";
  #triedMs = Number.NEGATIVE_INFINITY;

  constructor(member: SoleMember, log: Log) {
    this.#member = member;
    this.#log = log;
  }

  /** To be called when everything that follows from the records before each `next` was acknowledged. */
  async write(inputs: readonly Input[], machine: Machine, isLast: boolean): Promise<void> {
    if (!isLast && performance.now() - this.#triedMs < MARK_MS) return;
    const marks = inputs.map(({ topic, topicName, partition, next }) => {
      const oldest = machine.oldest?.(topic, partition) ?? 0;
      return { topicName, partition, offset: next, note: String(Math.min(next, oldest)) };
    });
    const text = JSON.stringify(marks);
    if (text === this.#written) return;
    this.#triedMs = performance.now();
    try {
      await this.#member.mark(marks);
    } catch (error) {
      // As during a rebalance: the marks before hold, and cost repeats only.
      this.#log.warn({ error: (error as Error).message }, "a program's place was not marked");
      return;
    }
    this.#written = text;
  }
}

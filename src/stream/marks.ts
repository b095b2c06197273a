import type { Log } from "../log.ts";
import type { SoleMember } from "../topic/sole-member.ts";
import type { Input } from "./inputs.ts";
import type { Machine } from "./program.ts";

/** Marks are written this often: after a crash what was published since is repeated; more often is a request per batch. */
const MARK_MS = 1000;

/**
 * Writes a program's marks: its group's offsets in Kafka. Each has as its note the oldest offset that a restart needs and,
 * where the program has been idle since its last record, the time by which it was then.
 */
export class Marks {
  readonly #member: SoleMember;
  readonly #log: Log;
  #written = "";
  #triedMs = Number.NEGATIVE_INFINITY;

  constructor(member: SoleMember, log: Log) {
    this.#member = member;
    this.#log = log;
  }

  /** Call it only when everything that follows from the records before each input's `next` was acknowledged. */
  async write(inputs: readonly Input[], machine: Machine, idleUs: number | undefined, isLast: boolean): Promise<void> {
    if (!isLast && performance.now() - this.#triedMs < MARK_MS) return;
    const marks = inputs.map(({ topic, topicName, partition, next }) => {
      const oldest = machine.oldest?.(topic, partition) ?? 0;
      const note = [Math.min(next, oldest), ...(idleUs === undefined ? [] : [idleUs])].join(" ");
      return { topicName, partition, offset: next, note };
    });
    const text = JSON.stringify(marks);
    if (text === this.#written) return;
    this.#triedMs = performance.now();
    try {
      await this.#member.mark(marks);
    } catch (error) {
      // A write may fail in a rebalance. The marks before it hold, so all that it costs is repeats.
      this.#log.warn({ error: (error as Error).message }, "a program's place was not marked");
      return;
    }
    this.#written = text;
  }
}

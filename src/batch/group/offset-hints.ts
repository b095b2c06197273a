import type { Log } from "../../log.ts";
import type { LogMember } from "../../topic/log-client.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import type { Lane } from "./lane.ts";

/** Kafka's own group offsets are for lag tools: once a second is often enough for a person to look at. */
export const HINT_MS = 1000;

/**
 * Writes Kafka's own group offsets behind what has landed, for lag tools, and beside them the process's last beat. The landing
 * never reads them, so a write that fails, as in a rebalance, is left to the next one. A replay's group (`publishes` is
 * false) writes none.
 */
export class OffsetHints {
  readonly #member: LogMember;
  readonly #plan: Pick<LandingPlan, "topicName" | "publishes">;
  readonly #log: Log;
  readonly #note: () => string;
  readonly #written = new Map<number, { readonly offset: number; readonly note: string }>();

  /** @param note what is put beside the offsets; a new one is written by itself */
  constructor(member: LogMember, plan: Pick<LandingPlan, "topicName" | "publishes">, log: Log, note: () => string) {
    this.#member = member;
    this.#plan = plan;
    this.#log = log;
    this.#note = note;
  }

  async write(lanes: Iterable<Lane>): Promise<void> {
    const note = this.#note();
    const moved = [...lanes].filter(({ partition, nextOffset }) => {
      const written = this.#written.get(partition);
      return nextOffset > 0 && (written?.offset !== nextOffset || written.note !== note);
    });
    const { topicName, publishes } = this.#plan;
    if (moved.length === 0 || !publishes) return;
    const marks = moved.map(({ partition, nextOffset: offset }) => ({ topicName, partition, offset, note }));
    try {
      await this.#member.mark(marks);
    } catch (error) {
      this.#log.debug({ error: (error as Error).message }, "Kafka's group offsets not written");
      return;
    }
    for (const { partition, offset } of marks) this.#written.set(partition, { offset, note });
  }
}

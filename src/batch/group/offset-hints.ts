import type { Log } from "../../log.ts";
import type { LogMember } from "../../topic/log-client.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import type { Lane } from "./lane.ts";

/**
 * Writes Kafka's own group offsets behind what has landed, for lag tools. The landing never reads them, so a write that
 * fails, as in a rebalance, is left to the next one. A replay's group (`publishes` is false) writes none.
 */
export class OffsetHints {
  readonly #member: LogMember;
  readonly #plan: Pick<LandingPlan, "topicName" | "publishes">;
  readonly #log: Log;
  readonly #written = new Map<number, number>();

  constructor(member: LogMember, plan: Pick<LandingPlan, "topicName" | "publishes">, log: Log) {
    this.#member = member;
    this.#plan = plan;
    this.#log = log;
  }

  async write(lanes: Iterable<Lane>): Promise<void> {
    const moved = [...lanes].filter(
      (lane) => this.#written.get(lane.partition) !== lane.nextOffset && lane.nextOffset > 0,
    );
    const { topicName, publishes } = this.#plan;
    if (moved.length === 0 || !publishes) return;
    const marks = moved.map(({ partition, nextOffset: offset }) => ({ topicName, partition, offset, note: "" }));
    try {
      await this.#member.mark(marks);
    } catch (error) {
      this.#log.debug({ error: (error as Error).message }, "Kafka's group offsets not written");
      return;
    }
    for (const { partition, offset } of marks) this.#written.set(partition, offset);
  }
}

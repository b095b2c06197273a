import type { Log } from "../../log.ts";
import type { GroupMember } from "../../topic/fetch/consume.ts";
import type { Lane } from "./lane.ts";

/**
 * Writes Kafka's own group offsets behind what has landed, for lag tools. The landing never reads them, so a write that
 * fails, as in a rebalance, is left to the next one. A replay's group (`publishes` is false) writes none.
 */
export class OffsetHints {
  readonly #member: GroupMember;
  readonly #log: Log;
  readonly #publishes: boolean;
  readonly #written = new Map<number, number>();

  constructor(member: GroupMember, log: Log, publishes: boolean) {
    this.#member = member;
    this.#log = log;
    this.#publishes = publishes;
  }

  async write(lanes: Iterable<Lane>): Promise<void> {
    const moved = [...lanes].filter(
      (lane) => this.#written.get(lane.partition) !== lane.nextOffset && lane.nextOffset > 0,
    );
    if (moved.length === 0 || !this.#publishes) return;
    const offsets = new Map(moved.map((lane) => [lane.partition, lane.nextOffset]));
    try {
      await this.#member.commit(offsets);
    } catch (error) {
      this.#log.debug({ error: (error as Error).message }, "Kafka's group offsets not written");
      return;
    }
    for (const [partition, offset] of offsets) this.#written.set(partition, offset);
  }
}

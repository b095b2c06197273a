import type { EventTopic } from "../../event/schemas.ts";
import type { Connection } from "../../table/connection.ts";
import { nextOffsets } from "../../table/landing/landed.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";

/** Looks up where topics end. */
export interface TopicEnds {
  nameOf(topic: EventTopic): string;
  read(topic: EventTopic): Promise<readonly PartitionOffsets[]>;
}

/**
 * Where some topics ended at one moment. Once this database has landed all of that, what it doesn't have was not published
 * before that moment. While a group of these topics is down or far behind, the horizon isn't passed and nothing is decided.
 */
export class Horizon {
  readonly #names: ReadonlyMap<string, readonly PartitionOffsets[]>;

  private constructor(names: ReadonlyMap<string, readonly PartitionOffsets[]>) {
    this.#names = names;
  }

  static async read(ends: TopicEnds, topics: Iterable<EventTopic>): Promise<Horizon> {
    const names = new Map<string, readonly PartitionOffsets[]>();
    for (const topic of new Set(topics)) names.set(ends.nameOf(topic), await ends.read(topic));
    return new Horizon(names);
  }

  /** Whether this database has landed every partition of these topics as far. */
  async isPassed(connection: Connection): Promise<boolean> {
    for (const [name, partitions] of this.#names) {
      const landed = await nextOffsets(connection, name);
      const behind = partitions.some(({ partition, low, high }) => high > low && (landed.get(partition) ?? low) < high);
      if (behind) return false;
    }
    return true;
  }
}

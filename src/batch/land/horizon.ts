import type { EventTopic } from "../../event/schemas.ts";
import type { Connection } from "../../table/connection.ts";
import { landedLogs } from "../../table/landing/landed.ts";
import type { PartitionOffsets } from "../../topic/offsets.ts";

/** Looks up where topics end. */
export interface TopicEnds {
  nameOf(topic: EventTopic): string;
  read(topic: EventTopic): Promise<readonly PartitionOffsets[]>;
  /** Where each partition's part ends that was published before `timeMs`, the broker's time in milliseconds since 1970. */
  readAt(topic: EventTopic, timeMs: number): Promise<ReadonlyMap<number, number>>;
}

/** A partition's end at one moment. */
interface End extends PartitionOffsets {
  /** Where its log ended below what had landed: how often it had been rewound by then. */
  readonly cutAfter: number | undefined;
}

/** Asks the database something. */
type Use = <R>(ask: (connection: Connection) => Promise<R>) => Promise<R>;

/**
 * Where some topics ended at one moment. Once this database has landed all of that, what it doesn't have was not published
 * before that moment. While a group of these topics is down or far behind, the horizon isn't passed and nothing is decided;
 * nor while a log is cut, because what it holds has landed only when somebody has rewound the partition to it.
 */
export class Horizon {
  readonly #names: ReadonlyMap<string, readonly End[]>;

  private constructor(names: ReadonlyMap<string, readonly End[]>) {
    this.#names = names;
  }

  static async read(use: Use, ends: TopicEnds, topics: Iterable<EventTopic>): Promise<Horizon> {
    const names = new Map<string, readonly End[]>();
    for (const topic of new Set(topics)) {
      const name = ends.nameOf(topic);
      // Before the ends, which only grow: a log that ends below what had landed by then is cut.
      const landed = await use((connection) => landedLogs(connection, name));
      const logs = await ends.read(topic);
      const cutAfter = ({ partition, high }: PartitionOffsets) => {
        const own = landed.get(partition);
        return own !== undefined && own.nextOffset > high ? own.rewinds : undefined;
      };
      names.set(
        name,
        logs.map((log) => ({ ...log, cutAfter: cutAfter(log) })),
      );
    }
    return new Horizon(names);
  }

  /** Whether this database has landed every partition of these topics as far. */
  async isPassed(connection: Connection): Promise<boolean> {
    for (const [name, ends] of this.#names) {
      const landed = await landedLogs(connection, name);
      const behind = ends.some(({ partition, low, high, cutAfter }) => {
        const own = landed.get(partition);
        const isCut = cutAfter !== undefined && own?.rewinds === cutAfter;
        return isCut || (high > low && (own?.nextOffset ?? low) < high);
      });
      if (behind) return false;
    }
    return true;
  }
}

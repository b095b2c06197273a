/** What a group has fetched of a partition and not landed. */
interface Lane {
  /** Whether something of that was published at `timeMs` or before, the broker's time in milliseconds since 1970. */
  holds(timeMs: number): boolean;
}

type Lanes = ReadonlyMap<number, Lane>;

/**
 * Tells a process's groups of each other's landings, so that children need ask neither the database nor the broker when to go
 * on. Topics are named by their full names.
 */
export class Landings {
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #groups = new Map<string, Set<Lanes>>();
  readonly #counts = new Map<string, number>();

  /** A lane of a topic has done a job or given one up, or its groups are others than before. */
  tell(topicName: string): void {
    this.#counts.set(topicName, this.countOf([topicName]) + 1);
    for (const call of this.#listeners.get(topicName) ?? []) call();
  }

  /** How often these topics were told of. */
  countOf(topicNames: Iterable<string>): number {
    return [...topicNames].reduce((sum, name) => sum + (this.#counts.get(name) ?? 0), 0);
  }

  /** Calls whenever one of these topics is told of, until the function that it returns is called. */
  listen(topicNames: Iterable<string>, call: () => void): () => void {
    const sets = [...topicNames].map((name) => {
      const listeners = this.#listeners.get(name) ?? new Set();
      this.#listeners.set(name, listeners.add(call));
      return listeners;
    });
    return () => {
      for (const listeners of sets) listeners.delete(call);
    };
  }

  /** A topic's group runs in this process, until the function that it returns is called. @param lanes as they are at any time */
  begin(topicName: string, lanes: Lanes): () => void {
    const groups = this.#groups.get(topicName) ?? new Set();
    this.#groups.set(topicName, groups.add(lanes));
    this.tell(topicName);
    return () => {
      groups.delete(lanes);
      this.tell(topicName);
    };
  }

  /** Whether a group of the topic runs in this process. */
  isHere(topicName: string): boolean {
    return (this.#groups.get(topicName)?.size ?? 0) > 0;
  }

  /** Whether this process has fetched something of the topic that was published by then, and not landed it. */
  isBehind(topicName: string, timeMs: number): boolean {
    const groups = [...(this.#groups.get(topicName) ?? [])];
    return groups.some((lanes) => [...lanes.values()].some((lane) => lane.holds(timeMs)));
  }
}

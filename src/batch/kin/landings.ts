/** Tells a process's groups of each other's landings, so that children need not ask the database when to go on. */
export class Landings {
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #here = new Map<string, number>();

  /** Something of a topic has committed. @param topicName the full name, as everywhere here */
  tell(topicName: string): void {
    for (const call of this.#listeners.get(topicName) ?? []) call();
  }

  /** Calls at each landing of these topics, until the function that it returns is called. */
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

  /** A topic's group runs in this process, until the function that it returns is called. */
  begin(topicName: string): () => void {
    const change = (by: number) => {
      this.#here.set(topicName, (this.#here.get(topicName) ?? 0) + by);
      this.tell(topicName);
    };
    change(1);
    return () => change(-1);
  }

  /** Whether a group of the topic runs in this process. */
  isHere(topicName: string): boolean {
    return (this.#here.get(topicName) ?? 0) > 0;
  }
}

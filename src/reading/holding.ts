import { oneAtATime } from "../clock.ts";
import type { LogPlace } from "../topic/offsets.ts";
import { Strand } from "./strand.ts";

/** A time in which the same partitions are read. */
export interface Era {
  readonly strands: readonly Strand[];
  /** Aborted when other partitions are to be read, or none any more. */
  readonly over: AbortSignal;
}

/** Which partitions a subscription reads, and from where. */
export interface Holding {
  /** The era that is now, once there is one; undefined once it is closed. @throws what ended it */
  era(): Promise<Era | undefined>;
  /** Reading is over: what was acknowledged is kept. */
  close(): Promise<void>;
}

/** The eras of one subscription, one behind the other. */
export class Eras {
  #over = new AbortController();
  #now = Promise.withResolvers<Era | undefined>();
  #hasBegun = false;

  constructor() {
    this.#now.promise.catch(() => undefined);
  }

  /** The era that is, or the next one to begin. */
  now(): Promise<Era | undefined> {
    return this.#now.promise;
  }

  /** The era that is, or was to begin, is over. @returns aborted where the next one is over, too */
  end(): AbortSignal {
    this.#over.abort();
    this.#over = new AbortController();
    if (this.#hasBegun) {
      this.#now = Promise.withResolvers();
      this.#now.promise.catch(() => undefined);
      this.#hasBegun = false;
    }
    return this.#over.signal;
  }

  begin(strands: readonly Strand[]): void {
    this.#hasBegun = true;
    this.#now.resolve({ strands, over: this.#over.signal });
  }

  /** No era begins any more. */
  fail(error: unknown): void {
    this.end();
    this.#now.reject(error);
  }

  /** No era begins any more, and that is right. */
  close(): void {
    this.end();
    this.#now.resolve(undefined);
  }
}

/** Partitions are looked for this often, as a group's member looks (`METADATA_MAX_AGE_MS`). */
const LOOK_MS = 15_000;

/** All partitions of some topics, read by nobody's group. */
export class WholeTopics implements Holding {
  readonly #eras = new Eras();
  readonly #strands: Strand[];
  readonly #endLooks: () => void;

  /**
   * @param begin where each partition is read from
   * @param look finds the first places of all partitions that there are; one that fails is left to the next look
   */
  constructor(
    begin: readonly LogPlace[],
    look: () => Promise<readonly LogPlace[]>,
    every: (ms: number, call: () => void) => () => void,
  ) {
    this.#strands = begin.map((place) => new Strand(place));
    this.#eras.begin(this.#strands);
    const add = (places: readonly LogPlace[]) => this.#add(places);
    this.#endLooks = every(
      LOOK_MS,
      oneAtATime(() => look().then(add, () => undefined)),
    );
  }

  #add(places: readonly LogPlace[]): void {
    const isKnown = ({ topicName, partition }: LogPlace) =>
      this.#strands.some((strand) => strand.topicName === topicName && strand.partition === partition);
    const more = places.filter((place) => !isKnown(place));
    if (more.length === 0) return;
    this.#strands.push(...more.map((place) => new Strand(place)));
    this.#eras.end();
    this.#eras.begin([...this.#strands]);
  }

  era(): Promise<Era | undefined> {
    return this.#eras.now();
  }

  async close(): Promise<void> {
    this.#endLooks();
    this.#eras.close();
  }
}

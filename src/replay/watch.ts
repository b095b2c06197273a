import { judge, Patience } from "../batch/patience.ts";
import type { LandingServices } from "../batch/run/landing-services.ts";
import { pause } from "../clock.ts";
import type { EventTopic } from "../event/schemas.ts";
import { nextOffsetsOf } from "../table/landing/landed.ts";
import type { Stream } from "./replay-pace.ts";
import type { PlannedTopic, ReplayPlan } from "./replay-plan.ts";

/** How far one topic is: offsets of its ranges that the database has landed, of all that there are. */
export interface TopicProgress {
  readonly topic: EventTopic;
  readonly done: number;
  readonly total: number;
}

/** @param next the next offset that the database expects, by topic's full name and partition, as `bars/3` */
export const progressOf = (
  { topics }: Pick<ReplayPlan, "topics">,
  next: ReadonlyMap<string, number>,
): readonly TopicProgress[] =>
  topics.map(({ topic, name, partitions }) => {
    let done = 0;
    let total = 0;
    for (const { partition, start, end } of partitions) {
      done += Math.min(end, next.get(`${name}/${partition}`) ?? start) - Math.min(start, end);
      total += end - start;
    }
    return { topic, done, total };
  });

const LOOK_MS = 100;

/** Looks how far the target has landed, by its ledger, so that what is shown as done has committed. */
export class Watch {
  readonly #services: LandingServices;
  readonly #plan: ReplayPlan;
  readonly #waiting = new Map<EventTopic, () => void>();
  #next: ReadonlyMap<string, number> = new Map();

  constructor(services: LandingServices, plan: ReplayPlan) {
    this.#services = services;
    this.#plan = plan;
  }

  /** Looks again and again until the signal is aborted, and reports each time. */
  async run(signal: AbortSignal, saw: (progress: readonly TopicProgress[]) => void): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      saw(this.progress());
      for (const [topic, resolve] of this.#waiting) if (this.isDone(topic)) resolve();
      await pause(LOOK_MS, signal, this.#services.clock);
    }
  }

  /** Looks once; waits out an outage, as a landing does. */
  async look(): Promise<void> {
    const { questions, log, closing } = this.#services;
    const names = this.#plan.topics.map(({ name }) => name);
    this.#next = await new Patience(log, closing).insist(
      "watching the replay",
      () => questions.use((connection) => nextOffsetsOf(connection, names)),
      (error) => judge(error, "replay"),
    );
  }

  progress(): readonly TopicProgress[] {
    return progressOf(this.#plan, this.#next);
  }

  isDone(topic: EventTopic): boolean {
    return this.progress().every((one) => one.topic !== topic || one.done >= one.total);
  }

  /** The partitions of these topics that have not landed to their end, and where each stands. */
  streams(topics: readonly PlannedTopic[]): readonly Stream[] {
    return topics.flatMap(({ name, partitions }) =>
      partitions
        .map(({ partition, start, end }) => {
          const key = `${name}/${partition}`;
          return { key, next: this.#next.get(key) ?? start, end };
        })
        .filter(({ next, end }) => next < end),
    );
  }

  /** Resolves when a topic has landed to its end. */
  reached(topic: EventTopic): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(topic, resolve));
  }
}

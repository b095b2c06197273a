import { type Clock, pause, SYSTEM_CLOCK } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import type { FetchedBatch } from "./fetch/fetched-batch.ts";
import type { LogClient, LogMember, MemberOptions } from "./log-client.ts";
import type { Mark, TopicPartition } from "./offsets.ts";

interface SoleHandlers {
  /**
   * Everything is ours until the signal is aborted. Batches wait until the promise resolves. Called again while it throws
   * what a retry can help with, because the group may be back before the partitions are.
   */
  onOwned(lost: AbortSignal): Promise<void>;
  /** Everything may be another member's now; whoever owns it next begins where the last marks are. */
  onLost(): void;
  /** Batches come one after the other. */
  onBatch(batch: FetchedBatch, heartbeat: () => Promise<void>): Promise<void>;
  onCrash(error: unknown): void;
}

/** A broker that has just come back gives its partitions leaders within seconds. */
const OWN_AGAIN_MS = 1000;

/**
 * The one reader of some topics under a group's name. Where it reads is its handlers' to say (`seek`); Kafka keeps their
 * marks and sees to it that nobody else reads meanwhile.
 */
export class SoleMember {
  readonly #member: LogMember;
  readonly #clock: Pick<Clock, "sleep">;
  #owning: Promise<void> | undefined;
  /** The partitions of the last assignment. */
  #owned = "";
  /** Aborted when what is owned is lost, or reading ends. */
  #lost = new AbortController();

  constructor(
    client: LogClient,
    options: Omit<MemberOptions, "assignment">,
    clock: Pick<Clock, "sleep"> = SYSTEM_CLOCK,
  ) {
    this.#clock = clock;
    this.#member = client.member({ ...options, assignment: "sole" });
  }

  /** @throws TradetapeError broker_unreachable, topic_missing */
  start(handlers: SoleHandlers): Promise<void> {
    const lose = () => {
      if (this.#owning === undefined) return;
      this.#lost.abort();
      this.#owning = undefined;
      handlers.onLost();
    };
    return this.#member.start({
      onAssigned: (partitions) => {
        const all = partitions.map(({ topicName, partition }) => `${topicName}/${partition}`).sort();
        // A rebalance that leaves everything with us changes nothing, unless there are more partitions than before.
        if (all.join() !== this.#owned) lose();
        this.#owned = all.join();
        if (all.length > 0) this.#owning ??= this.#own(handlers);
      },
      onLeft: lose,
      onBatch: async (batch, heartbeat, isStale) => {
        await this.#owning;
        if (!isStale()) await handlers.onBatch(batch, heartbeat);
      },
      onCrash: handlers.onCrash,
    });
  }

  async #own(handlers: SoleHandlers): Promise<void> {
    this.#lost = new AbortController();
    const { signal } = this.#lost;
    while (!signal.aborted) {
      try {
        return await handlers.onOwned(signal);
      } catch (error) {
        // What failed while another member took over is that member's to do.
        if (signal.aborted) return;
        if (!(error instanceof TradetapeError && error.canRetry)) return handlers.onCrash(error);
        await pause(OWN_AGAIN_MS, signal, this.#clock);
      }
    }
  }

  seek(at: TopicPartition, offset: number): void {
    this.#member.seek(at, offset);
  }

  hold(at: TopicPartition): void {
    this.#member.hold(at);
  }

  /** @throws Error while there is no group, as in a rebalance: the marks before stay */
  mark(marks: readonly Mark[]): Promise<void> {
    return this.#member.mark(marks);
  }

  stop(): Promise<void> {
    this.#lost.abort();
    return this.#member.stop();
  }
}

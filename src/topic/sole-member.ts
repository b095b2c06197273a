import type { FetchedBatch } from "./fetch/fetched-batch.ts";
import type { LogClient, LogMember, MemberOptions } from "./log-client.ts";
import type { Mark, TopicPartition } from "./offsets.ts";

interface SoleHandlers {
  /** Everything is ours from now on. Batches wait until the promise resolves. */
  onOwned(): Promise<void>;
  /** Everything may be another member's now; whoever owns it next begins where the last marks are. */
  onLost(): void;
  /** Batches come one after the other. */
  onBatch(batch: FetchedBatch, heartbeat: () => Promise<void>): Promise<void>;
  onCrash(error: unknown): void;
}

/**
 * The one reader of some topics under a group's name. Where it reads is its handlers' to say (`seek`); Kafka keeps their
 * marks and sees to it that nobody else reads meanwhile.
 */
export class SoleMember {
  readonly #member: LogMember;
  #owning: Promise<void> | undefined;

  constructor(client: LogClient, options: Omit<MemberOptions, "assignment">) {
    this.#member = client.member({ ...options, assignment: "sole" });
  }

  /** @throws TradetapeError broker_unreachable, topic_missing */
  start(handlers: SoleHandlers): Promise<void> {
    const lose = () => {
      if (this.#owning !== undefined) handlers.onLost();
      this.#owning = undefined;
    };
    return this.#member.start({
      onAssigned: (partitions) => {
        if (partitions.length === 0) lose();
        // A rebalance that leaves everything with us changes nothing: nobody else has read meanwhile.
        else this.#owning ??= handlers.onOwned().catch(handlers.onCrash);
      },
      onLeft: lose,
      onBatch: async (batch, heartbeat, isStale) => {
        await this.#owning;
        if (!isStale()) await handlers.onBatch(batch, heartbeat);
      },
      onCrash: handlers.onCrash,
    });
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
    return this.#member.stop();
  }
}

import { deedEntry } from "../../audit/deed-entry.ts";
import type { Clock } from "../../clock.ts";
import { encodeEvent } from "../../event/codec.ts";
import type { SignEntry } from "../../signature/entry-signature.ts";
import { forgetOutbox, nextOutboxPage, type StoredOutboxMessage } from "../../table/landing/outbox.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import type { RawMessage, RawPublisher } from "../../topic/publish/raw-publish.ts";
import { rawHeaders } from "../encode/headers.ts";
import { judge, type Patience } from "../patience.ts";
import type { GroupParts } from "./group-parts.ts";

/** The audit and dead-letters topics have one partition each, which keeps the outbox's order. */
const ONLY_PARTITION = 0;

/**
 * After publishing, the pump waits this long for more: a live topic has a hundred receipts a second, nobody waits for them,
 * and each page costs two statements, a request, and a transaction of the audit group.
 */
const GATHER_MS = 200;

/**
 * Publishes the outbox's messages in the order in which they were committed, and deletes those that the broker has
 * acknowledged. It reads the table and keeps nothing in memory, so what an earlier owner left is published first and alike.
 */
export class OutboxPump {
  readonly #topicName: string;
  readonly #auditSchemaId: number;
  readonly #auditTopicName: string;
  readonly #sign: SignEntry;
  readonly #sessions: SessionSource;
  readonly #publisher: RawPublisher;
  readonly #patience: Patience;
  readonly #partitions: () => readonly number[];
  readonly #failed: (error: unknown) => void;
  readonly #clock: Clock;
  #isEnded = false;
  /** How many calls of `drained` wait: `#gather` holds up none of them. */
  #drains = 0;
  #endGathering: (() => void) | undefined;
  #wanted = false;
  #running: Promise<void> | undefined;

  /** @param own `partitions` gives those whose messages this group publishes: those that it owns now */
  constructor(
    { plan, sign, outbox, publisher, clock }: GroupParts,
    own: {
      readonly patience: Patience;
      readonly partitions: () => readonly number[];
      readonly failed: (error: unknown) => void;
    },
  ) {
    this.#topicName = plan.topicName;
    this.#auditSchemaId = plan.auditSchemaId;
    this.#auditTopicName = plan.auditTopicName;
    this.#sign = sign;
    this.#sessions = outbox;
    this.#publisher = publisher;
    this.#patience = own.patience;
    this.#partitions = own.partitions;
    this.#failed = own.failed;
    this.#clock = clock;
  }

  /** Has the outbox looked at, because there may be something to publish. */
  kick(): void {
    this.#wanted = true;
    this.#running ??= this.#run()
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#running = undefined;
        // `#run` had already seen `#wanted` unset, and ended, when a later `kick` set it: so it has to run once more.
        if (this.#wanted && !this.#isEnded) this.kick();
      });
  }

  /** Publishes no further page: what is left is published by the partition's next owner. */
  end(): void {
    this.#isEnded = true;
    this.#endGathering?.();
  }

  /** Resolves when all that was committed before the call has been acknowledged and deleted. */
  async drained(): Promise<void> {
    this.#drains++;
    this.#endGathering?.();
    this.kick();
    while (this.#running) await this.#running;
    this.#drains--;
  }

  async #run(): Promise<void> {
    while (this.#wanted && !this.#isEnded) {
      this.#wanted = false;
      while (!this.#isEnded && (await this.#insist(() => this.#publishPage())) > 0);
      if (this.#drains === 0 && !this.#isEnded) await this.#gather();
    }
  }

  async #gather(): Promise<void> {
    const gathered = Promise.withResolvers<void>();
    this.#endGathering = gathered.resolve;
    const stopGathering = this.#clock.after(GATHER_MS, gathered.resolve);
    await gathered.promise;
    stopGathering();
  }

  async #publishPage(): Promise<number> {
    const partitions = this.#partitions();
    if (partitions.length === 0) return 0;
    const page = await this.#sessions.use((c) => nextOutboxPage(c, this.#topicName, partitions));
    if (page.length === 0) return 0;
    await this.#publisher.publish(page.map((message) => this.#rawMessage(message)));
    const ids = page.map(({ outboxId }) => outboxId);
    await this.#sessions.use((c) => forgetOutbox(c, ids));
    return page.length;
  }

  #rawMessage({ topic, key, value: stored, deed, headers }: StoredOutboxMessage): RawMessage {
    // Of a deed the database hands out no bytes: it says what was done, so that nobody hands in what it is to say.
    const value = deed ? encodeEvent("audit", this.#auditSchemaId, deedEntry({ ...deed, session: null })) : stored;
    const signature = topic === this.#auditTopicName && value !== null ? this.#sign(topic, value) : {};
    return {
      topicName: topic,
      partition: ONLY_PARTITION,
      key,
      value,
      headers: { ...rawHeaders(headers), ...signature },
    };
  }

  #insist<R>(attempt: () => Promise<R>): Promise<R> {
    return this.#patience.insist(`outbox of ${this.#topicName}`, attempt, (error) => judge(error, this.#topicName));
  }
}

import { judge, Patience } from "../batch/patience.ts";
import { TradetapeError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { LogAdmin, LogMember } from "../topic/log-client.ts";
import type { LogPlace, TopicPartition } from "../topic/offsets.ts";
import { type Era, Eras, type Holding } from "./holding.ts";
import { Strand } from "./strand.ts";

interface ShareParts {
  readonly groupId: string;
  readonly member: LogMember;
  readonly admin: Pick<LogAdmin, "fetchMarks" | "fetchOffsets">;
  /** Where partitions begin of which the group has no mark; one that is made later begins with its first record. */
  readonly begin: readonly LogPlace[];
  readonly log: Log;
  readonly onRebalance: (change: Change) => void;
}

interface Change {
  readonly gained: readonly TopicPartition[];
  readonly lost: readonly TopicPartition[];
}

const nameOf = ({ topicName, partition }: TopicPartition): string => `${topicName}/${partition}`;

/**
 * What a member of a group has of its topics. Kafka says which partitions, and keeps the marks. The member fetches nothing,
 * because what is read is read in the same way without a group.
 */
export class GroupShare implements Holding {
  readonly #parts: ShareParts;
  readonly #eras = new Eras();
  readonly #strands = new Map<string, Strand>();
  #assigned: readonly TopicPartition[] = [];
  readonly #stop = new AbortController();
  readonly #patience: Patience;
  /** The last write of marks, and the one that is to begin behind it. */
  #keeping: Promise<void> = Promise.resolve();
  #due: Promise<void> | undefined;

  private constructor(parts: ShareParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.log, this.#stop.signal);
  }

  /** Joins the group. @throws TradetapeError broker_unreachable, topic_missing, acl_missing */
  static async join(parts: ShareParts): Promise<GroupShare> {
    const share = new GroupShare(parts);
    parts.member.pause();
    await parts.member.start({
      onAssigned: (partitions) => share.#assign(partitions),
      onLeft: () => share.#assign([]),
      onBatch: () => Promise.resolve(),
      onCrash: (error) => share.#eras.fail(error),
    });
    return share;
  }

  era(): Promise<Era | undefined> {
    return this.#eras.now();
  }

  #assign(partitions: readonly TopicPartition[]): void {
    const isIn = (list: readonly TopicPartition[], one: TopicPartition) =>
      list.some(({ topicName, partition }) => topicName === one.topicName && partition === one.partition);
    const before = this.#assigned;
    this.#assigned = partitions;
    const gained = partitions.filter((one) => !isIn(before, one));
    const lost = before.filter((one) => !isIn(partitions, one));
    // A rebalance that leaves everything as it was changes nothing.
    if (lost.length === 0 && gained.length === 0) return;
    for (const strand of this.#strands.values()) {
      if (isIn(partitions, strand)) continue;
      strand.isLost = true;
      this.#strands.delete(nameOf(strand));
    }
    const over = this.#eras.end();
    try {
      this.#parts.onRebalance({ gained, lost });
    } catch (error) {
      this.#eras.fail(error);
      return;
    }
    void this.#takeUpAll(over).catch((error: unknown) => {
      if (!over.aborted) this.#eras.fail(error);
    });
  }

  /** @param over aborted where the assignment has changed since */
  async #takeUpAll(over: AbortSignal): Promise<void> {
    const { groupId, log } = this.#parts;
    const patience = new Patience(log, over);
    const untaken = this.#assigned.filter((one) => !this.#strands.has(nameOf(one)));
    const strands: Strand[] = [];
    for (const [topicName, own] of Map.groupBy(untaken, (one) => one.topicName)) {
      const takeUp = () => this.#takeUp(topicName, own);
      strands.push(...(await patience.insist(groupId, takeUp, (error) => judge(error, topicName))));
    }
    if (over.aborted) return;
    for (const strand of strands) this.#strands.set(nameOf(strand), strand);
    // One without a mark has it from now on: what comes before its first ack must not be passed over by a later beginning.
    if (strands.some(({ isBehind }) => isBehind)) await this.#keep();
    if (!over.aborted) this.#eras.begin([...this.#strands.values()]);
  }

  async #takeUp(topicName: string, own: readonly TopicPartition[]): Promise<Strand[]> {
    const { admin, groupId, begin } = this.#parts;
    const marks = new Map((await admin.fetchMarks(groupId, topicName)).map((mark) => [mark.partition, mark.offset]));
    const ends = new Map((await admin.fetchOffsets(topicName)).map((end) => [end.partition, end]));
    return own.map((at) => {
      const { low, high } = ends.get(at.partition)!;
      const kept = marks.get(at.partition);
      if (kept !== undefined && kept > high) throw cut(groupId, at, kept);
      const first = begin.find((place) => place.topicName === topicName && place.partition === at.partition);
      return new Strand({ ...at, offset: kept ?? first?.offset ?? low }, kept, () => this.#keep());
    });
  }

  /** Has Kafka keep all marks that it hasn't, one write at a time. */
  #keep(): Promise<void> {
    if (this.#due !== undefined) return this.#due;
    const due = this.#keeping.then(() => {
      this.#due = undefined;
      return this.#insistOnMarks();
    });
    this.#due = due;
    this.#keeping = due.catch(() => undefined);
    return due;
  }

  /** Ends where they are kept, or the subscription has ended: a rebalance takes a write, and then what is lost is left out. */
  async #insistOnMarks(): Promise<void> {
    await this.#patience
      .insist(
        `the marks of ${this.#parts.groupId}`,
        () => this.#writeMarks(),
        () => "retry",
      )
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) throw error;
      });
  }

  async #writeMarks(): Promise<void> {
    const due = [...this.#strands.values()]
      .filter(({ isBehind }) => isBehind)
      .map((strand) => ({ strand, to: strand.mark }));
    if (due.length === 0) return;
    await this.#parts.member.mark(
      due.map(({ strand: { topicName, partition }, to }) => ({ topicName, partition, offset: to, note: "" })),
    );
    for (const { strand, to } of due) strand.kept = to;
  }

  async close(): Promise<void> {
    this.#eras.close();
    this.#stop.abort();
    await this.#keeping;
    await this.#writeMarks().catch((error: Error) => {
      const { log, groupId } = this.#parts;
      log.warn(
        { group: groupId, error: error.message },
        "the last marks weren't kept: what was acknowledged may come again",
      );
    });
    await this.#parts.member.stop();
    for (const strand of this.#strands.values()) strand.isLost = true;
  }
}

const cut = (groupId: string, { topicName, partition }: TopicPartition, mark: number): TradetapeError =>
  new TradetapeError(
    "history_lost",
    `the group ${groupId} has its mark of ${topicName}/${partition} at ${mark}, behind the log's end: it was cut or made again`,
    { next: "Subscribe by the name of another group, which begins anew." },
  );

import type { StageStatements } from "../../table/landing/stage.ts";
import type { RowHasher } from "../../table/rows/row-hasher.ts";
import type { Consumer } from "../consumer.ts";
import type { Encoder } from "../encode/encoder.ts";
import type { CopyTarget } from "../write/copy-isolated.ts";
import type { StagedPath } from "../write/land-staged.ts";
import type { TopicEnds } from "./horizon.ts";
import { LetterBreaker } from "./letter-breaker.ts";
import { OrphanBreaker } from "./orphan-breaker.ts";
import type { SessionGate } from "./session-gate.ts";

/** What stops a group whose events become letters; each remembers the events before. One of each for all partitions. */
export interface Breakers {
  readonly breaker: LetterBreaker;
  readonly orphanBreaker: OrphanBreaker;
}

/** @param shareMax letters per record that may be; 1 never trips */
export const openBreakers = (shareMax: number): Breakers => ({
  breaker: new LetterBreaker(shareMax),
  orphanBreaker: new OrphanBreaker(shareMax),
});

/** What landing one topic's batches needs to know, none of which changes while the group runs (but `encoder.days`). */
export interface LandingPlan extends Breakers {
  readonly consumer: Consumer;
  readonly topicName: string;
  /** Whether an offset without a record may be what compaction removed; else such a record is lost. */
  readonly isCompacted: boolean;
  readonly databaseId: string;
  readonly encoder: Encoder;
  /** The COPY straight into the table, where rows go in by one (`copiesDirectly`). */
  readonly direct: CopyTarget | undefined;
  /** Of topics whose batches have receipts, which tell the sums of the rows' hashes. */
  readonly hasher: RowHasher | undefined;
  readonly stage: StageStatements;
  readonly staged: StagedPath;
  readonly auditTopicName: string;
  readonly auditSchemaId: number;
  readonly deadLettersTopicName: string;
  readonly sessionGate: SessionGate;
  readonly topicEnds: TopicEnds;
  /** The id of the newest schema of the topic's subject; undefined where it has none. */
  readonly newestSchema: () => Promise<number | undefined>;
  readonly parkDeadlineMs: number;
  /** Whether letters, receipts and audit entries are published: a replay only fills its own database. */
  readonly publishes: boolean;
  /** By partition, the offset at which a replay ends; undefined for a live group, which has no end. */
  readonly ends: ReadonlyMap<number, number> | undefined;
}

import type { Clock } from "../../clock.ts";
import type { Config } from "../../config.ts";
import type { Registry } from "../../event/registry.ts";
import type { Log } from "../../log.ts";
import type { SignEntry } from "../../signature/entry-signature.ts";
import type { SessionSource } from "../../table/pool/session-pool.ts";
import type { LogMember } from "../../topic/log-client.ts";
import type { LandedLog, SeenLog } from "../../topic/log-history.ts";
import type { EpochEnd } from "../../topic/offsets.ts";
import type { RawPublisher } from "../../topic/publish/raw-publish.ts";
import type { Landings } from "../kin/landings.ts";
import type { LandingPlan } from "../land/landing-plan.ts";
import type { LandingMeter } from "../meter.ts";
import type { Pace } from "./replay-terms.ts";

/** What a `Group` is made of; `openGroup` makes it. */
export interface GroupParts {
  readonly plan: LandingPlan;
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly member: LogMember;
  readonly publisher: RawPublisher;
  /** Signs the audit entries that the outbox owes. */
  readonly sign: SignEntry;
  /** For the partitions' jobs, each on a session of its own. */
  readonly landing: SessionSource;
  /** Of all groups of the process. */
  readonly landings: Landings;
  /** For small batches of several partitions, which land together. */
  readonly together: SessionSource;
  readonly days: SessionSource;
  readonly outbox: SessionSource;
  /** Of the login user itself, which may end the sessions of owners that are gone. */
  readonly watch: SessionSource;
  readonly pace: Pace | undefined;
  /** Undefined where nothing is measured. */
  readonly meter: LandingMeter | undefined;
  /** What is put beside the offset hints now. */
  readonly note: () => string;
  /** @throws TradetapeError topic_missing, topic_misconfigured: somebody has changed the topic; broker_unreachable */
  readonly checkTopic: () => Promise<unknown>;
  /** What the log holds of a partition now, and the ids of its cluster and topic. */
  readonly logOf: (partition: number) => Promise<Omit<SeenLog, "epochEnd">>;
  /** What the logs are of partitions that are given with what landed of them, in one question for all of them. */
  readonly logsOf: (landed: ReadonlyMap<number, LandedLog>) => Promise<ReadonlyMap<number, SeenLog>>;
  /** Where the log's part of a leader's epoch ends; undefined where it isn't known. */
  readonly epochEndOf: (partition: number, epoch: number) => Promise<EpochEnd | undefined>;
}

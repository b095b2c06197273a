import { readConfig } from "./config.ts";
import { openLog } from "./log.ts";
import type { MetricRegistry } from "./metrics/metric-registry.ts";
import type { GiveToken } from "./settings/give-token.ts";
import type { ConnectOptions } from "./tradetape/connect-options.ts";
import { connectTape } from "./tradetape/connect-tape.ts";
import type { Tape } from "./tradetape/tape.ts";

export type { Agent, AgentOptions, Thought } from "./agent/agent.ts";
export { REDACTION_RULES, type RedactionRule } from "./agent/body/redact.ts";
export type { CostOf } from "./agent/call.ts";
export type { ReplayCounts } from "./agent/cassette.ts";
export type {
  AgentIdentity,
  DecisionFields,
  FillFields,
  PerformanceFields,
  PredictionFields,
  Workflow,
} from "./agent/fields.ts";
export type { Fetch, Tool } from "./agent/recorded-fetch.ts";
export type { RecordingCounts, RecordingOptions } from "./agent/recorder.ts";
export { ERROR_CODES, type ErrorCode, TradetapeError } from "./errors.ts";
export type { AnyTimes, Incomplete } from "./event/complete.ts";
export type * from "./event/events.ts";
export type { AnyTimeInput, NamedInput } from "./event/field/inputs.ts";
export { doubleField, eventId, indicatorId, integerField, strategyId, symbolId } from "./event/identity.ts";
export { EVENT_TOPICS, type EventTopic } from "./event/schemas.ts";
export { micros, type Time } from "./event/time/micros.ts";
export type { Headers } from "./event/workflow.ts";
export type { MetricRegistry } from "./metrics/metric-registry.ts";
export type {
  EventMessage,
  GoneMessage,
  Message,
  MessageBytes,
  MessagePlace,
  MessageRecord,
  PoisonMessage,
} from "./reading/message.ts";
export type { Rebalance, SubscribeFrom, SubscribeOptions, Subscription } from "./reading/subscription.ts";
export type { GiveToken } from "./settings/give-token.ts";
export { defineProgram, type ProgramDefinition, type ProgramEvent } from "./stream/define-program.ts";
export {
  type Play,
  type PlayedEvent,
  type PlayOptions,
  type PlaySnapshot,
  type PublishedEvent,
  playProgram,
} from "./stream/play-program.ts";
export type { InputRecord, Machine, Program, SnapshotTerms } from "./stream/program.ts";
export type { ProgramPublisher } from "./stream/program-publisher.ts";
export type { ConnectOptions } from "./tradetape/connect-options.ts";
export type { EventSource, PublishAllOptions, PublishOptions, PublishProgress, Tape } from "./tradetape/tape.ts";

/** What `connect` may be handed beside the settings. */
export interface Beside {
  /** Gives the token of each login to a broker, with KAFKA_SASL_MECHANISM=oauthbearer: what a signer makes, say. */
  readonly kafkaToken?: GiveToken | undefined;
  /** In which publishing is measured; one for all connections of a process. */
  readonly registry?: MetricRegistry | undefined;
}

/**
 * Connects to the brokers.
 * @param beside what no setting can hold; a function is a `kafkaToken`
 * @throws TradetapeError config_invalid, broker_unreachable
 */
export async function connect(options: ConnectOptions = {}, beside: Beside | GiveToken = {}): Promise<Tape> {
  const { kafkaToken, registry }: Beside = typeof beside === "function" ? { kafkaToken: beside } : beside;
  const given = Object.entries(options).map(([name, value]) => [name, value === undefined ? value : String(value)]);
  const values = Object.fromEntries(given);
  const doubts: string[] = [];
  const config = readConfig(values, process.env, { given: "option", doubt: (text) => doubts.push(text), kafkaToken });
  const log = openLog(config);
  for (const doubt of doubts) log.warn(doubt);
  if (registry === undefined) return connectTape(config, log);
  // Loaded where it is asked for: a program that measures nothing needn't load what measures.
  const { Meters } = await import("./metrics/meters.ts");
  return connectTape(config, log, undefined, new Meters(registry).sent);
}

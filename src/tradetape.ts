import { readConfig } from "./config.ts";
import { openLog } from "./log.ts";
import type { GiveToken } from "./settings/give-token.ts";
import type { ConnectOptions } from "./tradetape/connect-options.ts";
import { connectTape } from "./tradetape/connect-tape.ts";
import type { Tape } from "./tradetape/tape.ts";

export type { Agent, AgentOptions } from "./agent/agent.ts";
export type {
  AgentIdentity,
  DecisionFields,
  FillFields,
  PerformanceFields,
  PredictionFields,
  Workflow,
} from "./agent/fields.ts";
export { ERROR_CODES, type ErrorCode, TradetapeError } from "./errors.ts";
export type { AnyTimes, Incomplete } from "./event/complete.ts";
export type * from "./event/events.ts";
export type { AnyTimeInput, NamedInput } from "./event/field/inputs.ts";
export { doubleField, eventId, indicatorId, integerField, strategyId, symbolId } from "./event/identity.ts";
export { EVENT_TOPICS, type EventTopic } from "./event/schemas.ts";
export { micros, type Time } from "./event/time/micros.ts";
export type { Headers } from "./event/workflow.ts";
export type { GiveToken } from "./settings/give-token.ts";
export type { ConnectOptions } from "./tradetape/connect-options.ts";
export type { EventSource, PublishAllOptions, PublishOptions, PublishProgress, Tape } from "./tradetape/tape.ts";

/**
 * Connects to the brokers.
 * @param kafkaToken gives the token of each login to a broker, with KAFKA_SASL_MECHANISM=oauthbearer: what a signer makes, say
 * @throws TradetapeError config_invalid, broker_unreachable
 */
export async function connect(options: ConnectOptions = {}, kafkaToken?: GiveToken): Promise<Tape> {
  const given = Object.entries(options).map(([name, value]) => [name, value === undefined ? value : String(value)]);
  const values = Object.fromEntries(given);
  const doubts: string[] = [];
  const doubt = (text: string) => doubts.push(text);
  const config = readConfig(values, process.env, { given: "option", doubt, kafkaToken });
  const log = openLog(config);
  for (const doubt of doubts) log.warn(doubt);
  return connectTape(config, log);
}

import type { EventTopic } from "../event/schemas.ts";
import {
  type Coordinates,
  checkpointId,
  deedId,
  entryId,
  letterId,
  lossId,
  receiptId,
  replayId,
  saidDigest,
} from "./log-id.ts";

type Fields = Readonly<Record<string, unknown>>;

/** An entry that tradetape may have made: what its id is made of. */
interface Claim {
  readonly at: Coordinates;
  readonly has: (member: string) => boolean;
  /** A member of the payload as a key's text. */
  readonly says: (member: string) => string;
  /** The digest of the payload, which may be long. */
  readonly said: () => string;
  /** Microseconds since 1970, as a key's text. */
  readonly timestamp: string;
}

/** The events that have entries of these types, each by the topic that they land from. */
const TOPIC_OF: Readonly<Record<string, EventTopic>> = {
  SYMBOL: "symbols",
  SESSION: "sessions",
  MODEL_RUN: "predictions",
  TRADE_DECISION: "decisions",
  TRADE_SUBMIT: "decisions",
  TRADE_EXECUTION: "fills",
  STRATEGY_PERFORMANCE: "performance",
  PREDICTION_OUTCOME: "outcomes",
  AGENT_CALL: "calls",
};

const deed =
  (kind: string, keyOf: (claim: Claim) => readonly string[]) =>
  (claim: Claim): string =>
    deedId(kind, claim.says("database_id"), claim.says("action_id"), keyOf(claim));

const placeOf = ({ at }: Claim): readonly string[] => [at.topic, String(at.partition), String(at.offset)];

/** Letters of a log that was cut may have the offsets of others. */
const lettersOf = (claim: Claim): readonly string[] =>
  claim.has("rewind") ? [...placeOf(claim), claim.says("rewind")] : placeOf(claim);

const stepOf = (claim: Claim): readonly string[] => [...placeOf(claim), claim.says("to_offset")];

/** How the ids of some types were made in earlier versions. */
const FORMER_ID_OF: Readonly<Record<string, (claim: Claim) => string>> = {
  RECEIPT: ({ at, says }) => receiptId(says("database_id"), at, Number(says("next_offset")), says("values_sha256")),
  DEAD_LETTER: ({ at }) => letterId(at),
  LOSS_ACCEPTED: ({ at, says }) => lossId(at, Number(says("to_offset"))),
  REPLAY: ({ says }) => replayId(says("database_id"), says("run_id")),
};

/** How the ids of all types are made that aren't an event's. */
const ID_OF: Readonly<Record<string, (claim: Claim) => string>> = {
  RECEIPT: ({ at, says, said }) => receiptId(says("database_id"), at, Number(says("next_offset")), said()),
  DEAD_LETTER: ({ at, said }) => letterId(at, said()),
  LOSS_ACCEPTED: deed("LOSS_ACCEPTED", stepOf),
  LOG_REWOUND: deed("LOG_REWOUND", stepOf),
  REPLAY: ({ says, said, timestamp }) => replayId(says("database_id"), says("run_id"), timestamp, said()),
  CHECKPOINT: ({ says }) => checkpointId(says("database_id"), Number(says("seq")), says("signature")),
  REDRIVE: deed("REDRIVE", lettersOf),
  DISCARD: deed("DISCARD", lettersOf),
  SET_ASIDE: deed("SET_ASIDE", placeOf),
  SKIP_SCHEMA: deed("SKIP_SCHEMA", ({ at, says }) => [at.topic, says("schema_id")]),
  PARTITION_DROP: deed("PARTITION_DROP", ({ says }) => [says("table"), says("day")]),
  REPAIR: deed("REPAIR", ({ says }) => [says("round")]),
  SESSION_DELETE: deed("SESSION_DELETE", ({ says }) => [says("heap"), says("from_block")]),
};

/** The id of an entry that isn't an event's, made of what it says. @throws Error of another type */
export function ownIdOf(entry: Fields): string {
  const claim = claimOf(entry);
  const type = entry.event_type as string;
  if (claim === undefined || !Object.hasOwn(ID_OF, type)) throw new Error(`${type} is no entry of a deed`);
  return ID_OF[type]!(claim);
}

/**
 * Whether an entry of a reserved type has the id that tradetape makes of what such an entry says: which record it is of and
 * that record's digest, which batch of which database, which deed. A pure function of the entry, so that every database
 * judges it alike, whatever has landed there. It tells a client's entry from ours; it is no signature.
 */
export function isOwnEntry(entry: Fields): boolean {
  const type = entry.event_type as string;
  const claim = claimOf(entry);
  if (claim === undefined) return false;
  if (Object.hasOwn(ID_OF, type)) {
    return ID_OF[type]!(claim) === entry.log_id || FORMER_ID_OF[type]?.(claim) === entry.log_id;
  }
  if (!Object.hasOwn(TOPIC_OF, type)) return false;
  const { topic } = claim.at;
  const isOfTopic = topic === TOPIC_OF[type] || topic.endsWith(`.${TOPIC_OF[type]}`);
  return isOfTopic && entryId(type, claim.at, claim.says("value_sha256")) === entry.log_id;
}

/** @returns undefined where the payload is no object */
function claimOf(entry: Fields): Claim | undefined {
  const payload = parsed(entry.payload);
  if (payload === undefined) return undefined;
  const at = {
    topic: String(entry.source_topic),
    partition: Number(entry.source_partition),
    offset: Number(entry.source_offset),
  };
  return {
    at,
    has: (member: string) => Object.hasOwn(payload, member),
    says: (member: string) => textOf(payload[member]),
    said: () => saidDigest(entry.payload as string),
    timestamp: String(entry.timestamp),
  };
}

/**
 * Ours have numbers and texts that are whole. Of a list or an object nobody's text is taken, because it may have a `toString`
 * that is none.
 */
const textOf = (value: unknown): string =>
  typeof value === "object" && value !== null ? "{}" : String(value).toWellFormed();

function parsed(payload: unknown): Fields | undefined {
  try {
    const value: unknown = JSON.parse(payload as string);
    return typeof value === "object" && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

import { createHash } from "node:crypto";
import { idBy } from "../event/identity.ts";
import { jsonFormOrText } from "../table/rows/json-form.ts";

/** Where a record stands in Kafka. The topic's name is the full one, with its namespace. */
export interface Coordinates {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

const textsOf = ({ topic, partition, offset }: Coordinates) => [topic, String(partition), String(offset)];

/** The id of an event's entry. The value's digest tells a topic from one that was deleted and made again under its name. */
export const entryId = (eventType: string, at: Coordinates, digest: string): string =>
  idBy("audit_entry", [eventType, ...textsOf(at), digest]);

/**
 * The digest of what an entry says. It is part of the id of an entry that a database tells again after it has lost commits,
 * in a failover or to an older backup: what it says then may be something else, and then it is another entry.
 */
export const saidDigest = (payload: string): string =>
  createHash("sha256").update(jsonFormOrText(payload)).digest("hex");

/** The id of a letter's entry. @param said the digest of its payload; entries of earlier versions go without */
export const letterId = (at: Coordinates, said?: string): string =>
  idBy("audit_letter", ["DEAD_LETTER", ...textsOf(at), ...(said === undefined ? [] : [said])]);

/**
 * The id of a batch's receipt.
 * @param from where the batch begins
 * @param next the offset behind it
 * @param digest of the payload; in entries of earlier versions of the batch's values
 */
export const receiptId = (databaseId: string, from: Coordinates, next: number, digest: string): string =>
  idBy("audit_receipt", ["RECEIPT", databaseId, ...textsOf(from), String(next), digest]);

/**
 * The id that the entry for a loss that somebody accepted had in earlier versions; it is a deed's since.
 * @param to the first offset that isn't lost
 */
export const lossId = (from: Coordinates, to: number): string =>
  idBy("audit_loss", ["LOSS_ACCEPTED", ...textsOf(from), String(to)]);

/** The id of the entry for an operator's deed. @param key what tells the deeds of one command apart */
export const deedId = (kind: string, databaseId: string, actionId: string, key: readonly string[]): string =>
  idBy("audit_deed", [kind, databaseId, actionId, ...key]);

/**
 * The id of the entry for a replay that has finished.
 * @param said the time at which it finished, microseconds since 1970, and the digest of the payload; entries of earlier
 * versions go without
 */
export const replayId = (
  databaseId: string,
  runId: string,
  ...said: readonly [finishedUs: string, digest: string] | []
) => idBy("audit_replay", ["REPLAY", databaseId, runId, ...said]);

/** The id of the entry that carries a checkpoint. */
export const checkpointId = (databaseId: string, seq: number, signature: string): string =>
  idBy("audit_checkpoint", ["CHECKPOINT", databaseId, String(seq), signature]);

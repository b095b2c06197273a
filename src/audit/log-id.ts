import { idBy } from "../event/identity.ts";

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

/** The id of a letter's entry. */
export const letterId = (at: Coordinates): string => idBy("audit_letter", ["DEAD_LETTER", ...textsOf(at)]);

/** The id of a batch's receipt. @param from where the batch begins @param next the offset behind it */
export const receiptId = (databaseId: string, from: Coordinates, next: number, digest: string): string =>
  idBy("audit_receipt", ["RECEIPT", databaseId, ...textsOf(from), String(next), digest]);

/** The id of the entry for a loss that somebody accepted. @param to the first offset that isn't lost */
export const lossId = (from: Coordinates, to: number): string =>
  idBy("audit_loss", ["LOSS_ACCEPTED", ...textsOf(from), String(to)]);

/** The id of the entry for an operator's deed. @param key what tells the deeds of one command apart */
export const deedId = (kind: string, databaseId: string, actionId: string, key: readonly string[]): string =>
  idBy("audit_deed", [kind, databaseId, actionId, ...key]);

/** The id of the entry for a replay that has finished. */
export const replayId = (databaseId: string, runId: string): string =>
  idBy("audit_replay", ["REPLAY", databaseId, runId]);

/** The id of the entry that carries a checkpoint. */
export const checkpointId = (databaseId: string, seq: number, signature: string): string =>
  idBy("audit_checkpoint", ["CHECKPOINT", databaseId, String(seq), signature]);

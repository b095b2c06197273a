import { randomUUID } from "node:crypto";
import { TradetapeError } from "../../errors.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { claimPartition, lockPartition } from "../../table/landing/landed.ts";
import { advanceBehindLoss } from "../../table/landing/ledger.ts";
import type { LogClient } from "../../topic/log-client.ts";
import { type OffsetRange, readRanges } from "../../topic/read-ranges.ts";
import { topicName } from "../../topic/topics.ts";
import { inTransaction } from "../land/land.ts";
import type { LandingServices } from "./landing-services.ts";

/** Offsets [from, to) of one partition that a person accepts as lost, and why. */
export interface AcceptedLoss {
  readonly topic: EventTopic;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  /** Who accepts the loss, as this machine knows them; the database knows them by their login. */
  readonly osUser: string;
}

/**
 * Writes a gap into the ledger, so that the partition goes on behind it, with an audit entry in the same transaction. Only
 * offsets that the log no longer holds, or whose batches are damaged, are accepted, from the one that the database expects next:
 * no record that could still land is given up.
 * @throws TradetapeError input_invalid when the range is another than the one that is lost
 */
export async function acceptLoss(services: LandingServices, loss: AcceptedLoss): Promise<void> {
  const { config, admin, questions, clusterId } = services;
  const name = topicName(config.namespace, loss.topic);
  const log = (await admin.fetchOffsets(name)).find(({ partition }) => partition === loss.partition);
  if (log === undefined) throw refused(name, loss, `${name} has no such partition`);
  const lostTo = loss.to <= log.low ? log.low : await damagedTo(services, name, loss, log);
  await questions.use((connection) =>
    inTransaction(connection, async () => {
      await claimPartition(connection, name, loss.partition, log.low, clusterId);
      const next = await lockPartition(connection, name, loss.partition);
      if (loss.from !== next) throw refused(name, loss, `the database expects offset ${next} next`);
      if (loss.to > lostTo) throw refused(name, loss, `the log still holds what begins at offset ${lostTo}`);
      await advanceBehindLoss(connection, name, { ...loss, actionId: randomUUID() });
      return { kind: "landed" };
    }),
  );
}

/** Up to which offset there is nothing in the log that could be read, from the range's beginning on. */
async function damagedTo(
  { client, config }: LandingServices,
  name: string,
  { partition, from, to }: AcceptedLoss,
  { low, high }: { readonly low: number; readonly high: number },
): Promise<number> {
  let at = Math.max(from, low);
  while (at < Math.min(to, high)) {
    const next = await behindDamage(client, name, { partition, from: at, to: at + 1 }, config);
    if (next === undefined) break;
    at = next;
  }
  return Math.min(at, high);
}

/** The offset behind a damaged batch; undefined where the range's can be read. */
async function behindDamage(
  client: LogClient,
  name: string,
  range: OffsetRange,
  config: LandingServices["config"],
): Promise<number | undefined> {
  try {
    // Asking for the records of a damaged batch throws.
    await readRanges(client, name, [range], config, async ({ records, nextOffset }) =>
      records.count > 0 ? range.to : Math.min(range.to, nextOffset),
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof TradetapeError && error.code === "batch_unreadable")) throw error;
    return error.facts!.to as number;
  }
}

const refused = (name: string, loss: AcceptedLoss, why: string): TradetapeError =>
  new TradetapeError(
    "input_invalid",
    `${name}/${loss.partition}:${loss.from}..${loss.to} can't be accepted as lost: ${why}`,
    {
      next: "Give exactly the range that `tradetape consume` named: from the expected offset to where the log begins.",
    },
  );

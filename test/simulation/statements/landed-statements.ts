import { deedEntry } from "../../../src/audit/deed-entry.ts";
import { encodeEvent } from "../../../src/event/codec.ts";
import { type LedgerRow, NOTHING_COUNTED } from "../../../src/table/landing/ledger.ts";
import { readText } from "../../support/source-tree.ts";
import type { Landed, StoredMessage } from "../fakes/fake-database.ts";
import { databaseError } from "../fakes/fake-table.ts";
import { type Context, NONE, place, rows, taking } from "./statement-context.ts";

/** What the functions do: a guard that is taken out of them is missing here, too. */
const FUNCTIONS = readText("schemas/sql/0044_claims.sql");
const LOCKS = /ORDER BY o\.partition FOR UPDATE;/.test(FUNCTIONS);
const COMPARES = /AND landed\.next_offset = given\."firstOffset"/.test(FUNCTIONS);
const COMPARES_REWINDS = /AND landed\.rewinds = coalesce/.test(FUNCTIONS);
const COMPARES_CLAIMS = /AND landed\.claims = coalesce/.test(FUNCTIONS);
const RAISES_CLAIMS = /SET claims = landed\.claims \+ 1/.test(FUNCTIONS);

interface Given extends LedgerRow {
  readonly partition: number;
  readonly lastOffset?: number;
  readonly lastDigest?: string;
  readonly leaderEpoch?: number;
  readonly topicId?: string | null;
  /** How often the partition had been rewound when it was read. */
  readonly readAfter?: number;
  /** The number of the claim under which it was read. */
  readonly readUnder?: number;
}

/** Moves each next_offset that is where the caller takes it for, and then writes its ledger row. */
export const advance = taking<[string, string]>(async (context) => {
  const [topic, given] = context.values;
  const moved: { partition: number; seq: number; landedAt: string }[] = [];
  for (const step of JSON.parse(given) as Given[]) {
    const landed = context.db.landed.get(place(topic, step.partition));
    // A row that several of what is given match is changed once.
    if (landed === undefined || moved.some(({ partition }) => partition === step.partition)) continue;
    await context.db.lockRow(context.tx, landed);
    if (COMPARES && landed.next !== step.firstOffset) continue;
    const isOfOtherLog = (step.readAfter ?? landed.rewinds) !== landed.rewinds;
    if (isOfOtherLog && COMPARES_REWINDS) continue;
    const isOfOtherClaim = (step.readUnder ?? landed.claims) !== landed.claims;
    if (isOfOtherClaim && COMPARES_CLAIMS) continue;
    moved.push(await advanceOne(context, topic, landed, step));
  }
  if (moved.length > 1) context.tx.atCommit.push(() => context.db.time.note("together"));
  return rows(moved);
});

async function advanceOne({ db, tx }: Context, topic: string, landed: Landed, step: Given) {
  const { partition, lastOffset, lastDigest, leaderEpoch = null, topicId = null, ...rest } = step;
  const { readAfter: _, readUnder: __, ...ledger } = rest;
  const { kind, firstOffset, nextOffset, holes, lost, read, written, duplicate, replaced, dead, parked, filtered } =
    ledger;
  tx.atCommit.push(() => {
    if (landed.next !== firstOffset)
      db.violations.push(`${place(topic, partition)}: ${firstOffset} landed where ${landed.next} was next`);
    const { lockedBy: _, ...before } = landed;
    tx.undo.push(() => Object.assign(landed, before));
    landed.next = nextOffset;
    landed.lastOffset = lastOffset ?? landed.lastOffset;
    if (kind !== "release") landed.leaderEpoch = leaderEpoch;
    landed.topicId ??= topicId;
    landed.lastDigest = lastDigest === undefined ? landed.lastDigest : Buffer.from(lastDigest, "hex");
    db.time.note("landed", () => `${place(topic, partition)} ${firstOffset}..${nextOffset}`);
  });
  let seq = 1;
  for (const row of db.ledger.visible(tx)) {
    if (row.topic === topic && row.partition === partition) seq = Math.max(seq, row.seq + 1);
  }
  const landedAt = `${tx.session.name} ${tx.startedMs}`;
  const row = { ...ledger, topic, partition, seq, landedAt, leaderEpoch, rewinds: landed.rewinds };
  if (nextOffset - firstOffset !== read + holes + lost)
    throw databaseError("23514", "offsets", { constraint: "range" });
  if (kind === "batch" && read !== written + duplicate + replaced + dead + parked + filtered) {
    throw databaseError("23514", "counts", { constraint: "counts" });
  }
  if (!(await db.ledger.insert(tx, `${place(topic, partition)}/${seq}`, row))) {
    throw databaseError("23505", "duplicate key landed_batch_pkey");
  }
  return { partition, seq, landedAt };
}

export const claimLanded = taking<[string, number, number, string]>(async ({ db, tx, values }) => {
  const [topic, partition, origin, clusterId] = values;
  const known = db.landed.get(place(topic, partition));
  if (known !== undefined) {
    await db.lockRow(tx, known);
    const claims = known.claims + (RAISES_CLAIMS ? 1 : 0);
    tx.atCommit.push(() => {
      const before = known.claims;
      tx.undo.push(() => {
        known.claims = before;
      });
      known.claims = claims;
    });
    return rows([{ claims }]);
  }
  const landed: Landed = {
    topic,
    partition,
    origin,
    clusterId,
    next: origin,
    lastOffset: null,
    lastDigest: null,
    topicId: null,
    leaderEpoch: null,
    rewinds: 0,
    claims: 1,
    lockedBy: undefined,
  };
  db.landed.set(place(topic, partition), landed);
  return rows([{ claims: 1 }]);
});

/** Goes on behind a loss, and owes the entry of the deed. */
export const acceptLoss = taking<[string, number, number, number, string, string, string]>(async (context) => {
  const { db, tx, values } = context;
  const [topic, partition, from, to, reason, actionId, osUser] = values;
  const landed = db.landed.get(place(topic, partition))!;
  await db.lockRow(tx, landed);
  if (landed.next !== from) throw databaseError("55000", "a loss begins at the offset that is next");
  const step = { ...NOTHING_COUNTED, partition, kind: "accepted_loss" as const, firstOffset: from, nextOffset: to };
  await advanceOne(context, topic, landed, { ...step, holes: 0, lost: to - from, superseded: 0 });
  const deed = {
    ...{
      kind: "LOSS_ACCEPTED",
      actionId,
      databaseId: "of the simulation",
      login: "ops",
      osUser,
      doneUs: Math.round(db.time.now * 1000),
    },
    ...{ topic, partition, offset: from, facts: { from_offset: from, to_offset: to, lost: to - from, reason } },
  };
  const value = encodeEvent("audit", 1, deedEntry({ ...deed, session: null }));
  await owe(context, { sourceTopic: topic, sourcePartition: partition, topic: "audit", key: null, value, headers: {} });
  return NONE;
});

/** Puts a message into the outbox. */
export async function owe({ db, tx }: Context, what: Omit<StoredMessage, "outboxId">): Promise<void> {
  const message = { ...what, outboxId: ++db.outboxIds };
  await db.outbox.insert(tx, String(message.outboxId), message);
  tx.atCommit.push(() => {
    db.owed.push(message);
    tx.undo.push(() => void db.owed.splice(db.owed.indexOf(message), 1));
  });
}

export const lock = taking<[string, number[]]>(async ({ db, tx, values: [topic, partitions] }) => {
  const sorted = [...partitions].sort((a, b) => a - b);
  const found: { partition: number; next: number; rewinds: number; claims: number }[] = [];
  for (const partition of sorted) {
    const row = db.landed.get(place(topic, partition));
    if (row === undefined) continue;
    if (LOCKS) await db.lockRow(tx, row);
    found.push({ partition, next: row.next, rewinds: row.rewinds, claims: row.claims });
  }
  return rows(found);
});

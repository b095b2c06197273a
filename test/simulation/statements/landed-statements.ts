import type { LedgerRow } from "../../../src/table/landing/ledger.ts";
import type { Landed } from "../fakes/fake-database.ts";
import { databaseError } from "../fakes/fake-table.ts";
import { type Context, NONE, place, rows, taking } from "./statement-context.ts";

interface Given extends LedgerRow {
  readonly partition: number;
  readonly lastOffset?: number;
  readonly lastDigest?: string;
  readonly leaderEpoch?: number;
  readonly topicId?: string | null;
  /** How often the partition had been rewound when it was read. */
  readonly readAfter?: number;
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
    if (/AND landed\.next_offset = given\."firstOffset"/.test(context.text) && landed.next !== step.firstOffset)
      continue;
    const isOfOtherLog = (step.readAfter ?? landed.rewinds) !== landed.rewinds;
    if (isOfOtherLog && /AND landed\.rewinds = /.test(context.text)) continue;
    moved.push(await advanceOne(context, topic, landed, step));
  }
  if (moved.length > 1) context.tx.atCommit.push(() => context.db.time.note("together"));
  return rows(moved);
});

async function advanceOne({ db, tx }: Context, topic: string, landed: Landed, step: Given) {
  const { partition, lastOffset, lastDigest, leaderEpoch = null, topicId = null, readAfter: _, ...ledger } = step;
  const { kind, firstOffset, nextOffset, holes, lost, read, written, duplicate, replaced, dead, parked, filtered } =
    ledger;
  landed.isChanging = true;
  tx.atCommit.push(() => {
    if (landed.next !== firstOffset)
      db.violations.push(`${place(topic, partition)}: ${firstOffset} landed where ${landed.next} was next`);
    const { lockedBy: _, isChanging: __, ...before } = landed;
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

export const insertLanded = taking<[string, number, number, string]>(async ({ db, tx, values }) => {
  const [topic, partition, origin, clusterId] = values;
  const known = db.landed.get(place(topic, partition));
  // ON CONFLICT DO NOTHING waits for whoever is changing the row, though not for who has only locked it.
  if (known?.lockedBy && known.isChanging) await db.waitFor(tx, known.lockedBy);
  if (known) return NONE;
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
    lockedBy: undefined,
    isChanging: false,
  };
  db.landed.set(place(topic, partition), landed);
  return { rows: [], count: 1 };
});

export const lock = taking<[string, number[]]>(async ({ db, tx, text, values: [topic, partitions] }) => {
  const sorted = /ORDER BY partition/.test(text) ? [...partitions].sort((a, b) => a - b) : partitions;
  const found: { partition: number; next: number; rewinds: number }[] = [];
  for (const partition of sorted) {
    const row = db.landed.get(place(topic, partition));
    if (row === undefined) continue;
    if (/FOR UPDATE$/.test(text)) await db.lockRow(tx, row);
    found.push({ partition, next: row.next, rewinds: row.rewinds });
  }
  return rows(found);
});

import type { LedgerRow } from "../../../src/table/landing/ledger.ts";
import type { LetterRow, ParkedRow } from "../../../src/table/landing/letters.ts";
import type { OutboxMessage } from "../../../src/table/landing/outbox.ts";
import type { VirtualTime } from "../virtual-time.ts";
import { databaseError, FakeTable, type Transaction } from "./fake-table.ts";

export interface Landed {
  readonly topic: string;
  readonly partition: number;
  readonly origin: number;
  clusterId: string;
  next: number;
  lastOffset: number | null;
  lastDigest: Buffer | null;
  topicId: string | null;
  leaderEpoch: number | null;
  rewinds: number;
  claims: number;
  lockedBy: Transaction | undefined;
}

/** A row of the ledger; what a batch's receipt says is held against it. */
export type StoredLedgerRow = LedgerRow & {
  readonly topic: string;
  readonly partition: number;
  readonly seq: number;
  readonly landedAt: string;
  /** How often the partition had been rewound, and the epoch of the range's last offset. */
  readonly rewinds: number;
  readonly leaderEpoch: number | null;
};
export type StoredLetter = Pick<LetterRow, "offset" | "reason" | "value"> & {
  topic: string;
  partition: number;
  /** The rewind that found it cut off; 0 of the log as it is. */
  rewind: number;
};
export type StoredParked = ParkedRow & { topic: string; partition: number; parkedAtMs: number };
export type StoredMessage = OutboxMessage & { sourceTopic: string; sourcePartition: number; outboxId: number };

/** An event's row: its fields as COPY brought them, and the offset that the stage had beside it. */
export interface EventRow {
  readonly key: string;
  readonly id: string;
  readonly content: string;
  readonly offset: string | null;
  readonly partition: number | undefined;
  /** Microseconds, where the table has revisions; else 0. */
  readonly revisedAt: bigint;
  /** The number that tells contents of one id apart. */
  readonly amount: number;
}

/** What PostgreSQL holds, committed and not yet. */
export class FakeDatabase {
  readonly landed = new Map<string, Landed>();
  readonly ledger: FakeTable<StoredLedgerRow>;
  readonly letters: FakeTable<StoredLetter>;
  readonly parked: FakeTable<StoredParked>;
  readonly outbox: FakeTable<StoredMessage>;
  readonly rows = new Map<string, FakeTable<EventRow>>();
  /** Rows that were superseded, by partition and offset of what superseded them. */
  readonly revisions: FakeTable<EventRow>;
  /** Parents that have landed, by table and id, each with its session's id or none. */
  readonly parents = new Map<string, Map<string, string | null>>();
  readonly days = new Set<string>();
  readonly time: VirtualTime;
  /** What no schedule may ever do, found at the moment it is done. */
  readonly violations: string[] = [];
  outboxIds = 0;
  /** Every message that was ever committed to the outbox, in that order. */
  readonly owed: StoredMessage[] = [];

  constructor(time: VirtualTime) {
    this.time = time;
    const wait = (own: Transaction, other: Transaction) => this.waitFor(own, other);
    this.ledger = new FakeTable("landed_batch", wait);
    this.letters = new FakeTable("dead_letter", wait);
    this.parked = new FakeTable("parked_event", wait);
    this.outbox = new FakeTable("outbox", wait);
    this.revisions = new FakeTable("market_data_bar_revision", wait);
  }

  table(name: string): FakeTable<EventRow> {
    let table = this.rows.get(name);
    if (table === undefined) {
      table = new FakeTable(name, (own, other) => this.waitFor(own, other));
      this.rows.set(name, table);
    }
    return table;
  }

  async lockRow(tx: Transaction, row: Landed): Promise<void> {
    while (row.lockedBy !== undefined && row.lockedBy !== tx) await this.waitFor(tx, row.lockedBy);
    if (row.lockedBy === tx) return;
    row.lockedBy = tx;
    const release = () => {
      if (row.lockedBy !== tx) return;
      row.lockedBy = undefined;
    };
    tx.undo.push(release);
    tx.atCommit.push(release);
  }

  /** @throws 40P01 when the two wait for each other, 55P03 when it takes too long, the session's end */
  async waitFor(own: Transaction, other: Transaction): Promise<void> {
    for (let next: Transaction | undefined = other; next !== undefined; next = next.waitsFor) {
      if (next !== own) continue;
      this.time.note("deadlock", () => own.session.name);
      throw databaseError("40P01", "deadlock detected");
    }
    this.time.note("lock-wait", () => `${own.session.name} for ${other.session.name}`);
    own.waitsFor = other;
    let cancel: (() => void) | undefined;
    const timeout = new Promise<never>((_, reject) => {
      if (own.session.lockTimeoutMs === 0) return;
      cancel = this.time.after(own.session.lockTimeoutMs, () => {
        this.time.note("lock-timeout", () => own.session.name);
        reject(databaseError("55P03", "canceling statement due to lock timeout"));
      });
    });
    try {
      await Promise.race([other.done, timeout, own.session.ended]);
    } finally {
      own.waitsFor = undefined;
      cancel?.();
    }
    // Both may have ended in the same moment.
    if (own.isEnded) throw databaseError("57P01", "terminating connection", { severity: "FATAL" });
  }
}

import { databaseError } from "../fakes/fake-table.ts";
import { type Context, type Handler, NONE, place, rows, taking } from "./statement-context.ts";

type OfPartition = readonly [string, number, ...unknown[]];

/** Ledger rows of a partition whose offsets are of the log that landed still. */
function standing({ db, tx, values: [topic, partition] }: Context<OfPartition>) {
  const own = [...db.ledger.visible(tx)].filter((row) => row.topic === topic && row.partition === partition);
  const rewinds = own.filter(({ kind }) => (kind as string) === "rewound");
  return own.filter(
    (row) =>
      (row.kind === "batch" || row.kind === "accepted_loss") &&
      row.nextOffset > row.firstOffset &&
      !rewinds.some((later) => later.seq > row.seq && later.nextOffset < row.nextOffset),
  );
}

const landedEpochs = taking<[string, number]>((context) => {
  const parts = new Map<number | null, { from: number; next: number }>();
  for (const { leaderEpoch, firstOffset, nextOffset } of standing(context)) {
    const { from, next } = parts.get(leaderEpoch) ?? { from: firstOffset, next: nextOffset };
    parts.set(leaderEpoch, { from: Math.min(from, firstOffset), next: Math.max(next, nextOffset) });
  }
  const found = [...parts].map(([epoch, part]) => ({ epoch, ...part }));
  return rows(found.sort((a, b) => (a.epoch ?? -1) - (b.epoch ?? -1)));
});

const countCutOff = taking<[string, number, number]>((context) => {
  const { db, tx, values } = context;
  const [topic, partition, from] = values;
  const isGone = (one: { topic: string; partition: number; offset: number }) =>
    one.topic === topic && one.partition === partition && one.offset >= from;
  const written = standing(context).filter(({ nextOffset }) => nextOffset > from);
  return rows([
    {
      rows: written.reduce((sum, row) => sum + row.written, 0),
      letters: [...db.letters.visible(tx)].filter((letter) => letter.rewind === 0 && isGone(letter)).length,
      parked: [...db.parked.visible(tx)].filter(isGone).length,
    },
  ]);
});

const parkedPage = taking<[string, number, number, number]>(({ db, tx, values: [topic, partition, after, limit] }) => {
  const own = [...db.parked.visible(tx)].filter((e) => e.topic === topic && e.partition === partition);
  return rows(
    own
      .filter(({ offset }) => offset > after)
      .sort((a, b) => a.offset - b.offset)
      .slice(0, limit),
  );
});

const stampLetters = taking<[string, number, number, number]>(async ({ db, tx, values }) => {
  const [topic, partition, from, rewind] = values;
  const own = [...db.letters.visible(tx)].filter((one) => one.topic === topic && one.partition === partition);
  for (const letter of own.filter((one) => one.rewind === 0 && one.offset >= from)) {
    await db.letters.delete(tx, `${place(topic, partition)}/${letter.offset}`);
    await db.letters.insert(tx, `${place(topic, partition)}/${letter.offset} of ${rewind}`, { ...letter, rewind });
  }
  return NONE;
});

const insertRewound = taking<[string, number, number, number, number]>(async ({ db, tx, values }) => {
  const [topic, partition, firstOffset, nextOffset, rewinds] = values;
  const own = [...db.ledger.visible(tx)].filter((row) => row.topic === topic && row.partition === partition);
  const seq = Math.max(0, ...own.map((row) => row.seq)) + 1;
  const nothing = { read: 0, written: 0, duplicate: 0, replaced: 0, dead: 0, parked: 0, filtered: 0, superseded: 0 };
  const row = { topic, partition, seq, firstOffset, nextOffset, rewinds, holes: 0, lost: 0, ...nothing };
  const landedAt = `${tx.session.name} ${tx.startedMs}`;
  const isIn = await db.ledger.insert(tx, `${place(topic, partition)}/${seq}`, {
    ...row,
    kind: "rewound" as never,
    landedAt,
    leaderEpoch: null,
  });
  if (!isIn) throw databaseError("23505", "duplicate key landed_batch_pkey");
  return { rows: [], count: 1 };
});

const setBack = taking<[string, number, number, number, string, string | null, number | null]>(async (context) => {
  const { db, tx, values } = context;
  const [topic, partition, next, rewinds, clusterId, topicId, leaderEpoch] = values;
  const landed = db.landed.get(place(topic, partition))!;
  await db.lockRow(tx, landed);
  tx.atCommit.push(() => {
    const { lockedBy: _, ...before } = landed;
    tx.undo.push(() => Object.assign(landed, before));
    Object.assign(landed, { next, rewinds, clusterId, topicId, leaderEpoch, lastOffset: null, lastDigest: null });
    db.time.note("rewound", () => `${place(topic, partition)} ${before.next} to ${next}`);
  });
  return { rows: [], count: 1 };
});

/** What `tradetape rewind` says. */
export const REWIND_HANDLERS: readonly (readonly [RegExp, Handler])[] = [
  [/^SELECT leader_epoch AS epoch/, landedEpochs],
  [/^SELECT \(SELECT coalesce\(sum\(written\)/, countCutOff],
  [/^SELECT topic, process, state/, () => NONE],
  [/^SELECT run_id AS "runId", state = 'finished'/, () => NONE],
  [/^SELECT "offset", key, value, headers, \(extract/, parkedPage],
  [/^UPDATE tradetape\.dead_letter SET rewind/, stampLetters],
  [/^UPDATE tradetape\.(dead_letter SET state|allowed_letters)/, () => NONE],
  [
    /^INSERT INTO tradetape\.landed_batch \(topic, partition, seq, kind, first_offset, next_offset, rewinds/,
    insertRewound,
  ],
  [/^UPDATE tradetape\.landed_offset SET next_offset = \$3/, setBack],
];

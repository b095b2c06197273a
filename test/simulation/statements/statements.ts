import { CONSUMERS } from "../../../consumers/all.ts";
import type { LetterReason } from "../../../src/event/letter.ts";
import type { FakeDatabase, Landed } from "../fakes/fake-database.ts";
import type { Backend, FakePostgres } from "../fakes/fake-postgres.ts";
import { databaseError } from "../fakes/fake-table.ts";
import { acceptLoss, advance, claimLanded, lock, owe } from "./landed-statements.ts";
import { REWIND_HANDLERS } from "./rewind-statements.ts";
import {
  alterations,
  blockers,
  catalog,
  dayKey,
  evict,
  hiddenTables,
  keyIndexes,
  revisionGaps,
} from "./server-statements.ts";
import { stageStatement } from "./stage-statements.ts";
import {
  type Context,
  type Copy,
  type Handler,
  NONE,
  place,
  type Result,
  rows,
  type Statement,
  taking,
} from "./statement-context.ts";

/** Statements that end or divide transactions; one text may hold two. */
export function control({ history }: FakePostgres, backend: Backend, text: string, nowMs: number): void {
  for (const part of text.split("; ")) {
    const name = part.split(" ").at(-1)!;
    const { tx } = backend;
    if (part === "BEGIN") backend.begin(nowMs);
    else if (part === "COMMIT") {
      const hasFailed = tx?.isFailed;
      if (hasFailed) backend.rollback();
      else backend.commit(history);
      if (hasFailed) throw new Error("COMMIT of a transaction that had failed");
    } else if (part === "ROLLBACK") backend.rollback();
    else if (tx === undefined) throw databaseError("25P01", `${part}: there is no transaction`);
    else if (part.startsWith("SAVEPOINT")) {
      tx.savepoints.push({ name, undo: tx.undo.length, atCommit: tx.atCommit.length });
    } else {
      while (tx.savepoints.at(-1)?.name !== name) if (!tx.savepoints.pop()) throw databaseError("3B001", `no ${name}`);
      const saved = tx.savepoints.at(-1)!;
      if (part.startsWith("RELEASE")) tx.savepoints.pop();
      else {
        tx.rollbackTo(saved.undo, saved.atCommit);
        tx.isFailed = false;
      }
    }
  }
}

/** Runs one statement as the server does. A text that nobody knows here is an error of the simulation. */
export async function doStatement(postgres: FakePostgres, backend: Backend, statement: Statement): Promise<Result> {
  const { text, values, copy } = statement;
  const db = postgres.database;
  db.time.trace?.push(
    `${db.time.now.toFixed(1).padStart(9)}    sql  ${backend.name}: ${text.slice(0, 60).replace(/\s+/g, " ")}`,
  );
  if (copy !== undefined) return copyGuarded(postgres, backend, text, copy);
  if (/^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)/.test(text)) {
    control(postgres, backend, text, db.time.now);
    return NONE;
  }
  const context: Context = { postgres, backend, db, tx: backend.tx!, text, values };
  const staged = stageStatement(context, undefined);
  if (staged !== undefined) return staged;
  const found = HANDLERS.find(([pattern]) => pattern.test(text));
  if (found === undefined) throw new Error(`the simulation doesn't know the statement ${text}`);
  return found[1](context);
}

/** A COPY alone, or in one message between a savepoint and its release, which an error leaves out. */
async function copyGuarded(postgres: FakePostgres, backend: Backend, text: string, copy: Copy): Promise<Result> {
  const db = postgres.database;
  const parts = text.split("; ");
  const at = parts.findIndex((part) => part.startsWith("COPY"));
  for (const before of parts.slice(0, at)) control(postgres, backend, before, db.time.now);
  const context: Context = { postgres, backend, db, tx: backend.tx!, text: parts[at]!, values: [] };
  const result = await stageStatement(context, copy);
  if (result === undefined) throw new Error(`the simulation doesn't know the statement ${parts[at]}`);
  for (const after of parts.slice(at + 1)) control(postgres, backend, after, db.time.now);
  return result;
}

const insertLetters = taking<[string, number, number[], LetterReason[], null, null, null, null, (Buffer | null)[]]>(
  async ({ db, tx, values }) => {
    const [topic, partition, offsets, reasons, , , , , bodies] = values;
    for (const [i, offset] of offsets.entries()) {
      const letter = { topic, partition, offset, reason: reasons[i]!, value: bodies[i]!, rewind: 0 };
      if (!(await db.letters.insert(tx, `${place(topic, partition)}/${offset}`, letter))) {
        throw databaseError("23505", "duplicate key dead_letter_pkey");
      }
    }
    return { rows: [], count: offsets.length };
  },
);

const insertParked = taking<
  [string, number, number[], string[], string[], (Buffer | null)[], Buffer[], string[], number[]]
>(async ({ db, tx, values }) => {
  const [topic, partition, offsets, ids, missing, keys, bodies, headers, times] = values;
  for (const [i, offset] of offsets.entries()) {
    const event = {
      ...{
        topic,
        partition,
        offset,
        eventId: ids[i]!,
        missing: JSON.parse(missing[i]!),
        key: keys[i]!,
        value: bodies[i]!,
      },
      ...{ headers: JSON.parse(headers[i]!), publishedAtMs: times[i]!, parkedAtMs: db.time.now },
    };
    if (!(await db.parked.insert(tx, `${place(topic, partition)}/${offset}`, event))) {
      throw databaseError("23505", "duplicate key parked_event_pkey");
    }
    db.time.note("parked", () => place(topic, partition));
  }
  return { rows: [], count: offsets.length };
});

const insertOutbox = taking<[string, number[], string[], (Buffer | null)[], (Buffer | null)[], string[]]>(
  async (context) => {
    const [sourceTopic, partitions, topics, keys, bodies, headers] = context.values;
    for (const [i, topic] of topics.entries()) {
      const message = { topic, key: keys[i]!, value: bodies[i]!, headers: JSON.parse(headers[i]!) };
      await owe(context, { ...message, sourceTopic, sourcePartition: partitions[i]! });
    }
    return { rows: [], count: topics.length };
  },
);

const outboxPage = taking<[string, number[], number]>(({ db, tx, text, values: [topic, partitions, limit] }) => {
  const page = [...db.outbox.visible(tx)].filter(
    (m) => m.sourceTopic === topic && partitions.includes(m.sourcePartition),
  );
  if (/ORDER BY outbox_id LIMIT/.test(text)) page.sort((a, b) => a.outboxId - b.outboxId);
  else page.reverse();
  // Smaller pages than in life, so that a schedule has several.
  return rows(page.slice(0, Math.min(limit, 7)));
});

const deleteOutbox = taking<[number[]]>(async ({ db, tx, values: [ids] }) => {
  let count = 0;
  for (const id of ids) if (await db.outbox.delete(tx, String(id))) count++;
  return { rows: [], count };
});

const parkedOf = ({ db, tx, values: [topic, partition] }: Context<readonly [string, number, ...unknown[]]>) =>
  [...db.parked.visible(tx)]
    .filter((e) => e.topic === topic && e.partition === partition)
    .sort((a, b) => a.offset - b.offset);

/** Which column's parents are in which table: the same for every consumer here. */
const PARENT_TABLES = new Map(CONSUMERS.flatMap((c) => c.landing.parents.map((p) => [p.column, p.table] as const)));
const isLanded = (db: FakeDatabase, column: string, id: string) => db.parents.get(PARENT_TABLES.get(column)!)?.has(id);

function readyOf(c: Context<readonly [string, number, ...unknown[]]>) {
  const all = parkedOf(c);
  const isBehind = (e: (typeof all)[number]) =>
    /o\.event_id = e\.event_id/.test(c.text) &&
    all.some((other) => other.eventId === e.eventId && other.offset < e.offset);
  return all.filter(
    (e) => Object.entries(e.missing).every(([column, id]) => isLanded(c.db, column, id)) && !isBehind(e),
  );
}

const readyParked = taking<[string, number, number]>((c) => rows(readyOf(c).slice(0, c.values[2])));

const readyPartitions = taking<[string, number[]]>((c) => {
  const [topic, asked] = c.values;
  const ready = asked.filter((partition) => readyOf({ ...c, values: [topic, partition] }).length > 0);
  return rows(ready.map((partition) => ({ partition })));
});

/** Parents here are of topics that park nothing, so none of them can be parked itself. */
const expiredParked = taking<[string, number, string, number, number, string[]]>((c) => {
  const [topic, , asOf, deadlineMs, limit, parentTopics] = c.values;
  const { parents } = CONSUMERS.find((consumer) => String(topic).endsWith(consumer.topic))!.landing;
  const isParked = (column: string, id: string) => {
    const parentTopic = parentTopics[parents.findIndex((parent) => parent.column === column)];
    return [...c.db.parked.visible(c.tx)].some((e) => e.topic === parentTopic && e.eventId === id);
  };
  const expired = parkedOf(c).flatMap((e) => {
    if (e.parkedAtMs > Number(asOf) - deadlineMs) return [];
    const absent = Object.entries(e.missing).filter(([column, id]) => !isLanded(c.db, column, id));
    if (absent.length === 0 || absent.some(([column, id]) => isParked(column, id))) return [];
    return [{ ...e, absent: Object.fromEntries(absent), parkedAtUs: e.parkedAtMs * 1000 }];
  });
  return rows(expired.slice(0, limit));
});

const overdue = taking<[string, number, number]>((c) => {
  const late = parkedOf(c).filter((e) => e.parkedAtMs <= c.db.time.now - c.values[2]);
  const columns = [...new Set(late.flatMap((e) => Object.keys(e.missing)))];
  return rows([{ asOf: String(c.db.time.now), columns: columns.length > 0 ? columns : null }]);
});

const deleteParked = taking<[string, number, number[]]>(async ({ db, tx, values: [topic, partition, offsets] }) => {
  let count = 0;
  for (const offset of offsets) if (await db.parked.delete(tx, `${place(topic, partition)}/${offset}`)) count++;
  return { rows: [], count };
});

const landedRow = ({ partition, next, origin, clusterId, topicId, leaderEpoch, ...rest }: Landed) => {
  const { lastOffset, lastDigest, rewinds, claims } = rest;
  const log = { clusterId, topicId, leaderEpoch, lastOffset, lastDigest };
  return { partition, nextOffset: next, origin, ...log, rewinds, claims };
};

const HANDLERS: readonly (readonly [RegExp, Handler])[] = [
  ...REWIND_HANDLERS,
  [/^SELECT tradetape\.claim_partition/, claimLanded],
  [/^SELECT tradetape\.accept_loss/, acceptLoss],
  [
    /^SELECT next_offset AS "nextOffset"/,
    taking<[string, number]>(({ db, values }) => {
      const found = db.landed.get(place(values[0], values[1]));
      if (found === undefined) return NONE;
      return rows([landedRow(found)]);
    }),
  ],
  [
    /^SELECT partition, next_offset AS "nextOffset"/,
    taking<[string]>(({ db, values: [topic] }) =>
      rows([...db.landed.values()].filter((l) => l.topic === topic).map(landedRow)),
    ),
  ],
  [/FROM tradetape\.lock_partitions/, lock],
  [/FROM tradetape\.advance/, advance],
  [
    /^SELECT seq FROM tradetape\.landed_batch/,
    taking<[string, number, number, string]>(({ db, tx, values: [topic, partition, seq, landedAt] }) => {
      const row = db.ledger.get(`${place(topic, partition)}/${seq}`, tx);
      return row?.landedAt === landedAt ? rows([{ seq }]) : NONE;
    }),
  ],
  [
    /^SELECT partition, next_offset AS next/,
    taking<[string]>(({ db, values: [topic] }) =>
      rows([...db.landed.values()].filter((l) => l.topic === topic).map((l) => ({ ...l }))),
    ),
  ],
  [/^INSERT INTO tradetape\.dead_letter/, insertLetters],
  [/^INSERT INTO tradetape\.parked_event/, insertParked],
  [/^INSERT INTO tradetape\.outbox/, insertOutbox],
  [/^SELECT "outboxId"/, outboxPage],
  [/^DELETE FROM tradetape\.outbox/, deleteOutbox],
  [/^SELECT session_user/, taking(() => rows([{ name: "ops" }]))],
  [
    /^SELECT topic FROM unnest/,
    taking<[string[]]>(({ db, tx, values: [asked] }) => {
      const owing = new Set([...db.outbox.visible(tx)].map(({ sourceTopic }) => sourceTopic));
      return rows(asked.filter((topic) => owing.has(topic)).map((topic) => ({ topic })));
    }),
  ],
  [
    /^SELECT partition, count\(\*\) AS parked/,
    taking<[string]>(({ db, tx, values: [topic] }) => {
      const counts = new Map<number, number>();
      for (const e of db.parked.visible(tx)) {
        if (e.topic === topic) counts.set(e.partition, (counts.get(e.partition) ?? 0) + 1);
      }
      return rows([...counts].map(([partition, parked]) => ({ partition, parked })));
    }),
  ],
  [/^SELECT count\(\*\) AS parked/, taking<[string, number]>((c) => rows([{ parked: parkedOf(c).length }]))],
  [/FROM \(SELECT "offset", key, value, headers, absent,/, expiredParked],
  [/FROM \(SELECT e\."offset", e\.key, e\.value, e\.headers,/, readyParked],
  [/^SELECT asked\.partition FROM unnest/, readyPartitions],
  [/^SELECT now\(\)::text AS "asOf"/, overdue],
  [/^DELETE FROM tradetape\.parked_event/, deleteParked],
  [
    /^SELECT backtest_session_id AS id, status/,
    taking<[string[]]>(({ db, values: [ids] }) => {
      const there = db.parents.get("backtest_session");
      return rows(ids.filter((id) => there?.has(id)).map((id) => ({ id, status: "running", kind: "backtest" })));
    }),
  ],
  [
    /^SELECT to_char\(to_date\(right\(c\.relname/,
    taking<[string]>(({ db, values: [table] }) => {
      const own = [...db.days].filter((day) => day.startsWith(`${table} `));
      return rows(own.map((day) => ({ day: day.split(" ")[1]!, state: "attached" })));
    }),
  ],
  [
    /^SELECT tradetape\.make_day/,
    taking<[string, string]>(({ db, values: [table, day] }) => {
      db.days.add(`${table} ${day}`);
      return NONE;
    }),
  ],
  [/^SET LOCAL (enable_nestloop|lock_timeout)/, () => NONE],
  [/pg_blocking_pids/, blockers],
  [/^WITH doomed/, evict],
  [/^SELECT r\.attname/, revisionGaps],
  [/^SELECT c\.oid::regclass/, hiddenTables],
  [/^SELECT a\.attname/, catalog],
  [/^\s*WITH own AS/, alterations],
  [/^SELECT pg_get_partkeydef/, dayKey],
  [/FROM pg_index/, keyIndexes],
];

import { CONSUMERS } from "../../../consumers/all.ts";
import type { Consumer } from "../../../src/batch/consumer.ts";
import { stageStatements } from "../../../src/table/landing/stage.ts";
import { strangersStatement } from "../../../src/table/landing/strangers.ts";
import { contentColumns, landingColumns } from "../../../src/table/rows/landing-table.ts";
import type { EventRow, FakeDatabase } from "../fakes/fake-database.ts";
import { databaseError } from "../fakes/fake-table.ts";
import type { Context, Copy, Result } from "./statement-context.ts";

/** What the handlers need of a consumer's table, made once: the columns' places, and its own statements. */
interface Shape {
  readonly consumer: Consumer;
  readonly columns: readonly string[];
  readonly key: readonly number[];
  readonly content: readonly number[];
  readonly stage: ReturnType<typeof stageStatements>;
}

const SHAPES: readonly Shape[] = CONSUMERS.map((consumer) => {
  const columns = landingColumns(consumer.landing).map((column) => column.name);
  const places = (names: readonly string[]) => names.map((name) => columns.indexOf(name));
  const { landing } = consumer;
  return {
    consumer,
    columns,
    key: places(landing.key),
    content: places(contentColumns(landing)),
    stage: stageStatements(landing),
  };
});

type Work = (c: Context, shape: Shape, copy: Copy | undefined) => Promise<Result> | Result;

/** By a statement's own text: whatever it says, its consumer's declaration made it. */
const WORK = new Map<string, readonly [Shape, Work]>();
for (const shape of SHAPES) {
  const { stage, consumer } = shape;
  if (consumer.landing.chained) continue;
  const columns = shape.columns.map((name) => `"${name}"`).join(", ");
  WORK.set(`COPY public."${consumer.landing.table}" (${columns}) FROM STDIN (FORMAT binary)`, [shape, copyDirect]);
  WORK.set(stage.create, [shape, createStage]);
  WORK.set(stage.copy, [shape, copyStaged]);
  WORK.set(stage.siblings, [shape, siblings]);
  WORK.set(stage.discard, [shape, discard]);
  WORK.set(stage.held, [shape, held]);
  WORK.set(stage.insert, [shape, consumer.landing.repeats === "first" ? insert : insertRevised]);
  WORK.set(stage.conflicts, [shape, conflicts]);
  WORK.set(stage.repeats, [shape, repeats]);
  WORK.set(stage.insertFresh, [shape, insertFresh]);
  // Every event of the simulation that shares an id shares its session, too.
  const strangers = strangersStatement(consumer.landing);
  if (strangers) WORK.set(strangers, [shape, () => ({ rows: [], count: 0 })]);
  if (stage.misfits) WORK.set(stage.misfits, [shape, misfits]);
}

/** Runs a statement of a table or its stage, or says by undefined that it is none. */
export function stageStatement(c: Context, copy: Copy | undefined): Promise<Result> | Result | undefined {
  if (c.text.startsWith("SELECT to_regclass($1)")) {
    const there = c.backend.stage.has(String(c.values[0]).replace("pg_temp.", ""));
    return { rows: [{ there }], count: 1 };
  }
  const work = WORK.get(c.text);
  return work?.[1](c, work[0], copy);
}

type Fields = (Buffer | null)[];

function* decode(bytes: Buffer): Generator<Fields> {
  let at = 0;
  while (at < bytes.length) {
    const fields: Fields = [];
    const count = bytes.readInt16BE(at);
    at += 2;
    for (let i = 0; i < count; i++) {
      const length = bytes.readInt32BE(at);
      at += 4;
      fields.push(length < 0 ? null : bytes.subarray(at, at + length));
      at += Math.max(0, length);
    }
    yield fields;
  }
}

const hex = (field: Buffer | null | undefined) => field?.toString("hex") ?? "-";

function uuid(field: Buffer | null | undefined): string {
  const text = hex(field);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

const field = (shape: Shape, fields: Fields, name: string) => fields[shape.columns.indexOf(name)] ?? null;

function eventRow(shape: Shape, fields: Fields): EventRow {
  const of = (places: readonly number[]) => places.map((place) => hex(fields[place])).join("/");
  const offset = field(shape, fields, "source_offset");
  return {
    key: of(shape.key),
    id: uuid(fields[shape.key.at(-1)!]),
    content: of(shape.content),
    amount: (field(shape, fields, "volume") ?? field(shape, fields, "predicted_price"))!.readDoubleBE(),
    partition: field(shape, fields, "source_partition")?.readInt32BE(),
    revisedAt: field(shape, fields, "revised_at")?.readBigInt64BE() ?? 0n,
    offset: offset === null ? null : String(offset.readBigInt64BE()),
  };
}

/** The CHECKs of these tables that events of the simulation offend. */
function refuse(c: Context, shape: Shape, fields: Fields, relation: string, line: number): void {
  const bad = [field(shape, fields, "volume"), field(shape, fields, "probability_up")].find((f) => f !== null);
  const value = bad?.readDoubleBE() ?? 0;
  if (value >= 0 && (value <= 1 || shape.consumer.topic !== "predictions")) return;
  c.db.time.note("row-refused");
  // Where no line can be read, the rows are halved.
  const where = c.db.time.random.chance(0.8) ? `COPY ${relation}, line ${line}` : "";
  throw databaseError("23514", "violates check constraint", { constraint: "values_check", where });
}

const US_2000 = 946_684_800_000_000n;

async function copyDirect(c: Context, shape: Shape, copy: Copy | undefined): Promise<Result> {
  const { table } = shape.consumer.landing;
  let line = 0;
  for (const fields of decode(copy!.bytes)) {
    line++;
    const at = field(shape, fields, "timestamp")!.readBigInt64BE() + US_2000;
    const day = new Date(Number(at / 1000n)).toISOString().slice(0, 10);
    if (shape.consumer.partitionedByDay && !c.db.days.has(`${table} ${day}`)) {
      c.db.time.note("day-missing");
      throw databaseError("23514", "no partition of relation found for row");
    }
    refuse(c, shape, fields, table, line);
    const row = eventRow(shape, fields);
    if (!(await c.db.table(table).insert(c.tx, row.key, row))) {
      c.db.time.note("sqlstate-23505");
      throw databaseError("23505", "duplicate key", { where: `COPY ${table}, line ${line}` });
    }
  }
  return { rows: [], count: line };
}

function createStage(c: Context, shape: Shape): Result {
  const { relation } = shape.stage;
  c.backend.stage.set(relation, []);
  c.tx.undo.push(() => c.backend.stage.delete(relation));
  return { rows: [], count: 0 };
}

const staged = (c: Context, shape: Shape) => c.backend.stage.get(shape.stage.relation)!;

function copyStaged(c: Context, shape: Shape, copy: Copy | undefined): Result {
  const rows = staged(c, shape);
  const before = rows.length;
  c.tx.undo.push(() => {
    rows.length = before;
  });
  let line = 0;
  for (const fields of decode(copy!.bytes)) {
    refuse(c, shape, fields, shape.stage.relation, ++line);
    rows.push({ offset: Number(fields.at(-1)!.readBigInt64BE()), fields });
  }
  return { rows: [], count: line };
}

/** The lowest offset of an id is the first; ids in the key's order, so that two partitions don't deadlock. */
async function insert(c: Context, shape: Shape): Promise<Result> {
  const first = new Map<string, EventRow>();
  const offsetOf = new Map<EventRow, number>();
  for (const { fields, offset } of [...staged(c, shape)].sort((a, b) => a.offset - b.offset)) {
    const row = eventRow(shape, fields);
    if (first.has(row.key)) continue;
    first.set(row.key, row);
    offsetOf.set(row, offset);
  }
  const written: EventRow[] = [];
  for (const row of [...first.values()].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    if (await c.db.table(shape.consumer.landing.table).insert(c.tx, row.key, row)) written.push(row);
  }
  const offsets = c.values[0] && written.length > 0 ? written.map((row) => String(offsetOf.get(row))) : null;
  return { rows: [{ outcome: "written", rows: written.length, offsets }], count: 1 };
}

/**
 * One staged row after the other, in the key's order: what is not older than the row that stands, and has other content,
 * supersedes it. A key that another partition commits meanwhile refuses the statement.
 */
async function insertRevised(c: Context, shape: Shape): Promise<Result> {
  const table = c.db.table(shape.consumer.landing.table);
  const byKey = new Map<string, { offset: number; row: EventRow }[]>();
  for (const { offset, fields } of [...staged(c, shape)].sort((a, b) => a.offset - b.offset)) {
    const row = eventRow(shape, fields);
    byKey.set(row.key, [...(byKey.get(row.key) ?? []), { offset, row }]);
  }
  const counts = { written: 0, duplicate: 0, replaced: 0, outdated: 0 };
  for (const [key, rows] of [...byKey].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const isKnown = table.get(key, c.tx) !== undefined;
    if (isKnown) await table.insert(c.tx, key, rows[0]!.row);
    const before = table.get(key, c.tx);
    let stands = before;
    for (const { offset, row } of rows) {
      const isOlder = stands !== undefined && row.revisedAt < stands.revisedAt;
      if (stands === undefined) counts.written++;
      else if (row.content === stands.content) counts.duplicate++;
      else if (isOlder) counts.outdated++;
      else {
        counts.replaced++;
        c.db.time.note("revised");
        await c.db.revisions.insert(c.tx, `${c.values[1]}/${offset}`, stands);
      }
      if (isOlder) continue;
      const isSame = stands?.content === row.content;
      stands = isSame ? { ...stands!, revisedAt: row.revisedAt } : row;
    }
    if (before !== undefined) table.replace(c.tx, key, stands!);
    else if (!(await table.insert(c.tx, key, stands!))) {
      c.db.time.note("revision-raced");
      throw databaseError("23505", "duplicate key");
    }
  }
  const outcomes = Object.entries(counts).filter(([, n]) => n > 0);
  return { rows: outcomes.map(([outcome, n]) => ({ outcome, rows: n, offsets: null })), count: outcomes.length };
}

function conflicts(c: Context, shape: Shape): Result {
  const table = c.db.table(shape.consumer.landing.table);
  const rows = staged(c, shape)
    .map(({ offset, fields }) => ({ offset, row: eventRow(shape, fields) }))
    .filter(({ row }) => (table.get(row.key, c.tx) ?? row).content !== row.content)
    .sort((a, b) => a.offset - b.offset);
  return { rows: rows.map(({ offset, row }) => ({ offset, id: row.id })), count: rows.length };
}

function repeats(c: Context, shape: Shape): Result {
  const table = c.db.table(shape.consumer.landing.table);
  const firstOf = new Map<string, EventRow>();
  const offsets: number[] = [];
  const conflicts: { offset: number; id: string }[] = [];
  for (const { offset, fields } of [...staged(c, shape)].sort((a, b) => a.offset - b.offset)) {
    const row = eventRow(shape, fields);
    const before = table.get(row.key, c.tx) ?? firstOf.get(row.key);
    if (before) offsets.push(offset);
    else firstOf.set(row.key, row);
    if (before && before.content !== row.content) conflicts.push({ offset, id: row.id });
  }
  const found = offsets.length > 0;
  const text = found ? `{${offsets.join(",")}}` : null;
  return { rows: [{ offsets: text, conflicts: conflicts.length > 0 ? conflicts : null }], count: 1 };
}

/** In the stage's order: two partitions may deadlock, or meet a key that the other has just committed. */
async function insertFresh(c: Context, shape: Shape): Promise<Result> {
  const { table } = shape.consumer.landing;
  const left = new Set(String(c.values[0]).slice(1, -1).split(",").filter(Boolean).map(Number));
  const fresh = staged(c, shape).filter(({ offset }) => !left.has(offset));
  for (const { fields } of fresh) {
    const row = eventRow(shape, fields);
    if (await c.db.table(table).insert(c.tx, row.key, row)) continue;
    c.db.time.note("sift-refused");
    throw databaseError("23505", "duplicate key");
  }
  return { rows: [], count: fresh.length };
}

function misfits(c: Context, shape: Shape): Result {
  const { parents } = shape.consumer.landing;
  const found = staged(c, shape).flatMap(({ offset, fields }) => {
    const { id, partition } = eventRow(shape, fields);
    const missing: Record<string, string> = {};
    for (const parent of parents) {
      const ref = field(shape, fields, parent.column);
      if (ref !== null && !isThere(c.db, parent.table, uuid(ref))) missing[parent.column] = uuid(ref);
    }
    const [topic] = c.values;
    const behind = [...c.db.parked.visible(c.tx)].some(
      (e) => e.topic === topic && e.partition === partition && e.eventId === id && e.offset < offset,
    );
    const isFine = Object.keys(missing).length === 0 && !(behind && /WHERE .*OR behind\b/.test(c.text));
    return isFine ? [] : [{ offset, id, missing, mismatch: false, filtered: false, behind }];
  });
  return { rows: found.sort((a, b) => a.offset - b.offset), count: found.length };
}

const isThere = (db: FakeDatabase, table: string, id: string) => db.parents.get(table)?.has(id) ?? false;

function siblings(c: Context, shape: Shape): Result {
  const [ids, offsets] = c.values as [string[], number[]];
  const rows = staged(c, shape)
    .map(({ offset, fields }) => ({ offset, id: eventRow(shape, fields).id }))
    .filter(({ offset, id }) => ids.includes(id) && !offsets.includes(offset));
  return { rows, count: rows.length };
}

function held(c: Context, shape: Shape): Result {
  const rows = staged(c, shape).map(({ offset }) => ({ offset }));
  return { rows: rows.sort((a, b) => a.offset - b.offset), count: rows.length };
}

function discard(c: Context, shape: Shape): Result {
  const rows = staged(c, shape);
  const before = [...rows];
  c.tx.undo.push(() => {
    rows.splice(0, rows.length, ...before);
  });
  const kept = rows.filter(({ offset }) => !(c.values[0] as number[]).includes(offset));
  rows.splice(0, rows.length, ...kept);
  return { rows: [], count: before.length - kept.length };
}

import { AVRO_TYPES } from "../event/avro-types.ts";
import type { StoredLedgerRow, StoredMessage } from "./fakes/fake-database.ts";
import type { LogEntry, Truth } from "./fakes/fake-log.ts";
import type { Judged } from "./world.ts";

type Good = Extract<Truth, { id: string }> & { readonly partition: number; readonly offset: number };

/**
 * What a schedule's end state gets wrong: ledger, rows, letters, messages, held against the log itself.
 * @param isWhole everything was to land; else only what is there is judged
 */
export function oracle(world: Judged, isWhole: boolean): string[] {
  const faults = world.logs.flatMap((log, partition) => ledgerFaults(world, partition, isWhole ? log.high : undefined));
  faults.push(...countFaults(world), ...messageFaults(world, isWhole));
  if (isWhole) faults.push(...recordFaults(world), ...auditFaults(world));
  return faults;
}

const ledgerOf = ({ postgres }: Judged, partition: number): StoredLedgerRow[] =>
  [...postgres.database.ledger.visible()].filter((row) => row.partition === partition).sort((a, b) => a.seq - b.seq);

/** Ranges contiguous from origin to next_offset, and, of a log that was drained, to its end. */
function ledgerFaults(world: Judged, partition: number, end: number | undefined): string[] {
  const landed = world.postgres.database.landed.get(`${world.plan.topic}/${partition}`);
  if (landed === undefined) return end === undefined ? [] : [`${partition} was never claimed`];
  const faults: string[] = [];
  let next = landed.origin;
  for (const row of ledgerOf(world, partition)) {
    if (row.firstOffset !== next) faults.push(`${partition} seq ${row.seq} begins at ${row.firstOffset}, not ${next}`);
    next = row.nextOffset;
  }
  if (next !== landed.next) faults.push(`${partition}: the ledger ends at ${next}, next_offset is ${landed.next}`);
  if (end !== undefined && next !== end) faults.push(`${partition}: landed up to ${next}, the log ends at ${end}`);
  return faults;
}

/** Rows, letters and parked events are as many as the ledger counts. */
function countFaults({ postgres: { database } }: Judged): string[] {
  const sums = { written: 0, superseded: 0, dead: 0, parked: 0 };
  for (const row of database.ledger.visible()) {
    sums.written += row.written;
    sums.superseded += row.superseded;
    sums.dead += row.dead;
    sums.parked += row.parked;
  }
  const rows = [...database.rows.values()].reduce((sum, table) => sum + table.size, 0);
  const faults: string[] = [];
  if (rows !== sums.written) faults.push(`${rows} rows, the ledger counts ${sums.written}`);
  const revisions = database.revisions.size;
  if (revisions !== sums.superseded) faults.push(`${revisions} revisions, the ledger counts ${sums.superseded}`);
  if (database.letters.size !== sums.dead) faults.push(`${database.letters.size} letters, the ledger ${sums.dead}`);
  if (database.parked.size !== sums.parked) faults.push(`${database.parked.size} parked, the ledger ${sums.parked}`);
  return faults;
}

/** Records of the logs as they are of which nothing is there: neither a row of their id, nor a letter. */
export function missingFaults(world: Judged): string[] {
  const { database } = world.postgres;
  const ids = new Set([...database.rows.values()].flatMap((table) => [...table.visible()].map(({ id }) => id)));
  const faults: string[] = [];
  for (const [partition, log] of world.logs.entries()) {
    for (const [offset, { truth }] of log.entries.entries()) {
      if (truth === undefined) continue;
      const reason = database.letters.get(`${world.plan.topic}/${partition}/${offset}`)?.reason;
      const isThere = "letter" in truth ? reason === truth.letter : ids.has(truth.id) || reason !== undefined;
      if (!isThere) faults.push(`${partition}/${offset} is neither row nor letter`);
    }
  }
  return faults;
}

/** Every record became what it had to, once. */
function recordFaults(world: Judged): string[] {
  const { database } = world.postgres;
  const faults: string[] = [];
  const good: Good[] = [];
  let holes = 0;
  let read = 0;
  for (const [partition, offset, entry] of covered(world)) {
    if (entry.kind !== "record") {
      holes++;
      continue;
    }
    read++;
    const reason = database.letters.get(`${world.plan.topic}/${partition}/${offset}`)?.reason;
    const { truth } = entry;
    if (truth === undefined) throw new Error(`nothing is known of ${partition}/${offset}`);
    if ("letter" in truth) {
      if (reason !== truth.letter)
        faults.push(`${partition}/${offset} had to be a letter ${truth.letter}, is ${reason}`);
    } else if (reason === undefined || reason === "conflicting_duplicate") good.push({ ...truth, partition, offset });
    else if (!mayBe(reason, truth, world)) faults.push(`${partition}/${offset} is a letter ${reason}`);
  }
  const rows = [...database.ledger.visible()];
  const sum = (of: (row: StoredLedgerRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  if (holes !== sum((row) => row.holes)) faults.push(`${holes} holes, the ledger counts ${sum((row) => row.holes)}`);
  if (read !== sum((row) => row.read)) faults.push(`${read} records, the ledger counts ${sum((row) => row.read)}`);
  const counted = { duplicate: sum((row) => row.duplicate), replaced: sum((row) => row.replaced) };
  return [...faults, ...repeatFaults(world, good, counted)];
}

/** What of the log had to land: not what came before the first claim, nor what was accepted as lost. */
function* covered(world: Judged): Generator<readonly [number, number, LogEntry]> {
  for (const [partition, log] of world.logs.entries()) {
    const lost = ledgerOf(world, partition).filter(({ kind }) => kind === "accepted_loss");
    const { origin } = world.postgres.database.landed.get(`${world.plan.topic}/${partition}`)!;
    for (const [offset, entry] of log.entries.entries()) {
      if (offset < origin || lost.some((row) => offset >= row.firstOffset && offset < row.nextOffset)) continue;
      yield [partition, offset, entry];
    }
  }
}

/**
 * An event may be given up only for a parent that was not there in time: a symbol by the deadline, a session when the
 * first of its events came, of which the verdict then stands until it lands.
 */
function mayBe(reason: string, { parent, appendedMs }: Extract<Truth, { id: string }>, { plan }: Judged): boolean {
  const { publishedMs = Number.POSITIVE_INFINITY, landedMs = Number.POSITIVE_INFINITY, usedMs = 0 } = parent ?? {};
  if (parent === undefined) return false;
  if (plan.topic === "predictions") {
    return reason === "missing_parent" && publishedMs > appendedMs + plan.config.parkDeadlineMs;
  }
  return reason === "unknown_session" && publishedMs > usedMs && landedMs > appendedMs;
}

/** Of each id there is one row; repeats are counted, those of other content are letters where the first one stays. */
function repeatFaults(
  world: Judged,
  good: readonly Good[],
  counted: { readonly duplicate: number; readonly replaced: number },
): string[] {
  const { database } = world.postgres;
  const faults: string[] = [];
  const byId = new Map<string, Good[]>();
  for (const one of good) byId.set(one.id, [...(byId.get(one.id) ?? []), one]);
  const rows = new Map(
    [...database.rows.values()].flatMap((t) => [...t.visible()].map((row) => [row.id, row] as const)),
  );
  let repeats = 0;
  // How many of a bar's events are replaced and how many equal depends on which of two partitions landed first.
  const least = { duplicate: 0, replaced: 0 };
  for (const [id, events] of byId) {
    const row = rows.get(id);
    rows.delete(id);
    if (row === undefined) {
      faults.push(`${events.map((e) => `${e.partition}/${e.offset}`).join(", ")} (${id}) has no row`);
      continue;
    }
    const isRevised = world.plan.topic === "bars";
    const stays = isRevised ? latest(events) : events.reduce((a, b) => (b.offset < a.offset ? b : a));
    if (new Set(events.map(({ amount }) => amount)).size === 1) least.duplicate += events.length - 1;
    else if (isRevised) least.replaced++;
    const isOnePartition = events.every((e) => e.partition === stays.partition);
    if (isOnePartition && isRevised) faults.push(...revisionFaults(world, id, events));
    if (isOnePartition && row.amount !== stays.amount) faults.push(`${id}: the row isn't that of ${stays.offset}`);
    for (const { partition, offset, amount } of events) {
      const isLetter = database.letters.get(`${world.plan.topic}/${partition}/${offset}`) !== undefined;
      if (isLetter !== (amount !== row.amount && !isRevised))
        faults.push(`${partition}/${offset} repeats ${id}, letter: ${isLetter}`);
      if (!isLetter) repeats++;
    }
    repeats--;
  }
  for (const id of rows.keys()) faults.push(`a row of ${id} that no record of the log is`);
  const told = counted.duplicate + counted.replaced;
  if (repeats !== told) faults.push(`${repeats} repeats, the ledger counts ${told} duplicates and replaced`);
  for (const what of ["duplicate", "replaced"] as const) {
    if (counted[what] < least[what]) faults.push(`${counted[what]} ${what}, there must be ${least[what]} at least`);
  }
  if (world.plan.topic !== "bars" && counted.replaced > 0)
    faults.push(`${counted.replaced} replaced of a first-stays topic`);
  return faults;
}

/** What of one id was superseded, and by which offset, is what the log says, wherever batches were cut. */
function revisionFaults({ postgres: { database } }: Judged, id: string, events: readonly Good[]): string[] {
  const told: string[] = [];
  let [stands, ...rest] = events.toSorted((a, b) => a.offset - b.offset);
  for (const event of rest) {
    if (event.revisedMs < stands!.revisedMs) continue;
    if (event.amount !== stands!.amount) told.push(`${stands!.amount} until ${event.partition}/${event.offset}`);
    stands = event;
  }
  const kept = events.flatMap(({ partition, offset }) => {
    const revision = database.revisions.get(`${partition}/${offset}`);
    return revision === undefined ? [] : [`${revision.amount} until ${partition}/${offset}`];
  });
  const same = told.toSorted().join() === kept.toSorted().join();
  return same ? [] : [`${id}: superseded were ${told.join(", ")}, kept is ${kept.join(", ")}`];
}

const isAfter = (a: Good, b: Good) => a.revisedMs > b.revisedMs || (a.revisedMs === b.revisedMs && a.offset > b.offset);
const latest = (events: readonly Good[]): Good => events.reduce((a, b) => (isAfter(b, a) ? b : a));

const bytesOf = (key: Buffer | null, value: Buffer | null) =>
  `${key?.toString("latin1") ?? "-"} ${value?.toString("latin1") ?? "-"}`;

/** Every committed message is in its topic, nothing else is, and first copies come in the order of commits. */
function messageFaults({ plan, postgres, cluster }: Judged, isWhole: boolean): string[] {
  const faults: string[] = [];
  for (const topic of ["audit", "dead-letters"]) {
    const places = new Map<string, number>();
    for (const [at, { key, value }] of cluster.log(topic, 0).entries.entries()) {
      const bytes = bytesOf(key, value);
      if (!places.has(bytes)) places.set(bytes, at);
    }
    // What a failover or a rewind took back may have been told before, and is told again in other batches.
    const isPlain = !plan.actions.some(({ kind }) => kind === "fail-over" || kind === "cut");
    const last = new Map<number, number>();
    const unseen = new Set(places.keys());
    for (const message of postgres.database.owed.filter((m) => m.topic === topic)) {
      const bytes = bytesOf(message.key, message.value);
      const at = places.get(bytes);
      unseen.delete(bytes);
      if (at === undefined) {
        if (isWhole) faults.push(`message ${message.outboxId} is not in ${topic}`);
        continue;
      }
      const before = last.get(message.sourcePartition) ?? -1;
      if (at < before && isPlain) faults.push(`message ${message.outboxId} came before one that was committed earlier`);
      last.set(message.sourcePartition, Math.max(at, before));
    }
    if (unseen.size > 0 && isPlain) faults.push(`${unseen.size} messages in ${topic} that nobody committed`);
  }
  return faults;
}

interface Entry {
  readonly log_id: string;
  readonly event_type: string;
  readonly payload: string;
  readonly source_partition: number;
  readonly source_offset: number;
}

const decoded = ({ value }: StoredMessage): Entry => AVRO_TYPES.audit.fromBuffer(value!.subarray(5)) as Entry;

/** What was told is what the ledger and the tables hold, each under an id of its own. */
function auditFaults(world: Judged): string[] {
  const { database } = world.postgres;
  const entries = database.owed.filter((m) => m.topic === "audit").map(decoded);
  const told = entries.map((e) => `${e.event_type} ${e.source_partition}/${e.source_offset}`).sort();
  const expected: string[] = [];
  for (const row of database.ledger.visible()) {
    if (row.kind === "accepted_loss") expected.push(`LOSS_ACCEPTED ${row.partition}/${row.firstOffset}`);
    else if (world.plan.topic !== "predictions") expected.push(`RECEIPT ${row.partition}/${row.firstOffset}`);
  }
  if (world.plan.topic === "predictions") {
    for (const letter of database.letters.visible()) expected.push(`DEAD_LETTER ${letter.partition}/${letter.offset}`);
    for (const table of database.rows.values()) {
      for (const row of table.visible()) expected.push(`MODEL_RUN ${row.partition}/${row.offset}`);
    }
  }
  expected.sort();
  const faults: string[] = [];
  if (told.join() !== expected.join()) faults.push(`told ${told.join(", ")}; expected ${expected.join(", ")}`);
  const ids = new Set(entries.map((e) => e.log_id)).size;
  if (ids !== entries.length) faults.push(`${entries.length} audit entries have ${ids} ids`);
  const letters = new Set(database.owed.filter((m) => m.topic === "dead-letters").map((m) => String(m.key)));
  if (letters.size !== database.letters.size)
    faults.push(`${letters.size} of ${database.letters.size} letters were told`);
  return faults;
}

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONSUMER_OF } from "../../../consumers/all.ts";
import { encodeBatch } from "../../../src/batch/encode/encode.ts";
import { landBatch } from "../../../src/batch/land/land.ts";
import type { LandingPlan } from "../../../src/batch/land/landing-plan.ts";
import { type LandingServices, openLandingServices } from "../../../src/batch/run/landing-services.ts";
import { makeLandingPlan } from "../../../src/batch/run/make-landing-plan.ts";
import { encodeEvent } from "../../../src/event/codec.ts";
import { openLog } from "../../../src/log.ts";
import { Connection } from "../../../src/table/connection.ts";
import { claimPartition } from "../../../src/table/landing/landed.ts";
import { recordsOf } from "../../support/landing.ts";
import fc from "../../support/random/fast-check.ts";
import { bar, idOf, NOON, performance, session } from "../../support/samples.ts";
import { openTestTape, type Row, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
let services: LandingServices;
let connection: Connection;

beforeAll(async () => {
  tape = await openTestTape();
  services = await openLandingServices(tape.config, openLog(tape.config));
  const { databaseUrl } = tape.config;
  connection = await Connection.open(databaseUrl, { name: "test", role: "tradetape_lander", keepsPlans: true });
});
afterAll(async () => {
  await connection.close();
  await services.close();
  await tape.stop();
});

/** A partition that Kafka doesn't assign, so that only this test lands there. */
const PARTITION = 61;
/** When the broker had the first record: microseconds since 1970. */
const FIRST_US = NOON + 86_400_000_000;

/** One event: which id, what it says, its revision (null leaves that to the broker), and how much later the broker had it. */
interface Told {
  readonly id: number;
  readonly says: number;
  readonly revision: number | null;
  readonly afterMs: number;
}

/** A content of an id: which record told it first, and from when to when it was known. Times in microseconds. */
interface Spell {
  readonly id: number;
  readonly says: number;
  readonly teller: number;
  readonly from: number;
  revision: number;
  to: number | null;
  successor: number | null;
}

const KINDS = {
  bars: {
    event: ({ id, says, revision }: Told, offset: number) =>
      bar(id, { close: says, high: 100, low: -1, revised_at: revision, received_at: NOON + offset }),
    columns: {
      id: "market_data_id",
      says: "close",
      teller: `(extract(epoch FROM received_at) * 1000000)::bigint - ${NOON}`,
    },
    idOf: (id: number) => bar(id).market_data_id,
  },
  performance: {
    event: ({ id, says, revision }: Told) =>
      performance(id, { symbol_id: null, total_trades: says + 10, revised_at: revision }),
    columns: { id: "performance_id", says: "total_trades - 10", teller: "source_offset" },
    idOf: (id: number) => performance(id).performance_id,
  },
  // What says 0 deletes the session, and is final.
  sessions: {
    event: ({ id, says, revision }: Told) =>
      session({
        backtest_session_id: idOf(`session ${id}`),
        status: says === 0 ? "deleted" : "running",
        name: String(says),
        revised_at: revision,
      }),
    columns: { id: "backtest_session_id", says: "name::int", teller: "NULL::bigint" },
    idOf: (id: number) => idOf(`session ${id}`),
  },
} as const;
type Kind = keyof typeof KINDS;

const publishedUs = (told: readonly Told[]) => {
  let us = FIRST_US;
  return told.map(({ afterMs }) => (us += afterMs * 1000));
};

/** What the tape said, record by record: the recording that the database is held against. */
function record(kind: Kind, told: readonly Told[]): { readonly spells: readonly Spell[]; readonly counts: Row } {
  const times = publishedUs(told);
  const spells: Spell[] = [];
  const counts = { written: 0, duplicate: 0, replaced: 0, superseded: 0 };
  const isFinal = (says: number) => kind === "sessions" && says === 0;
  for (const [offset, { id, says, revision: own }] of told.entries()) {
    const stands = spells.findLast((spell) => spell.id === id);
    const revision = own ?? times[offset]!;
    if (stands === undefined) counts.written++;
    else if (isFinal(stands.says) || stands.says === says) counts.duplicate++;
    else counts.replaced++;
    if (stands !== undefined && (isFinal(stands.says) || (revision < stands.revision && !isFinal(says)))) continue;
    if (stands?.says === says) {
      stands.revision = revision;
      continue;
    }
    const from = Math.max(times[offset]!, stands?.from ?? 0);
    if (stands !== undefined) {
      Object.assign(stands, { to: from, successor: offset });
      counts.superseded++;
    }
    spells.push({ id, says, teller: offset, from, revision, to: null, successor: null });
  }
  return { spells, counts };
}

async function planOf(kind: Kind): Promise<{ readonly plan: LandingPlan; readonly schemaId: number }> {
  const plan = await makeLandingPlan(services, CONSUMER_OF[kind]);
  const value = await tape.encode(kind, KINDS[kind].event({ id: 0, says: 1, revision: null, afterMs: 0 }, 0));
  for (const id of plan.encoder.reader.missing([value])) await services.registry.fetch(id);
  return { plan, schemaId: value.readInt32BE(1) };
}

/** Lands these as if nothing had ever landed, in batches that begin at the cuts. */
async function landCut(
  { plan, schemaId }: Awaited<ReturnType<typeof planOf>>,
  kind: Kind,
  told: readonly Told[],
  cuts: readonly number[],
) {
  const { table } = CONSUMER_OF[kind].landing;
  await tape.query(`TRUNCATE public.${table}, public.${table}_revision, tradetape.landed_batch, tradetape.landed_offset,
    tradetape.outbox CASCADE`);
  await claimPartition(connection, plan.topicName, PARTITION, 0, services.clusterId);
  const times = publishedUs(told);
  const values = told.map((one, offset) => encodeEvent(kind, schemaId, KINDS[kind].event(one, offset)));
  const records = { ...recordsOf(values, 0), publishedAtMs: (index: number) => times[index]! / 1000 };
  const begins = [...new Set([0, ...cuts.filter((cut) => cut < told.length)])].toSorted((a, b) => a - b);
  for (const [n, from] of begins.entries()) {
    const to = begins[n + 1] ?? told.length;
    const batch = encodeBatch(plan.encoder, PARTITION, records, { firstOffset: from, nextOffset: to, from, to });
    expect(await landBatch(connection, plan, batch, false)).toMatchObject({ kind: "landed" });
  }
}

const microsOf = (column: string) => `(extract(epoch FROM ${column}) * 1000000)::bigint`;

/** What the database has kept: rows and revisions, as spells. */
async function kept(kind: Kind): Promise<readonly Row[]> {
  const { columns } = KINDS[kind];
  const select = (to: string, successor: string, from: string) =>
    `SELECT ${columns.id}::text AS id, ${columns.says} AS says, ${columns.teller} AS teller,
       ${microsOf("published_at")} AS from, ${microsOf("revised_at")} AS revision, ${to} AS to, ${successor} AS successor
     FROM public.${CONSUMER_OF[kind].landing.table}${from}`;
  return tape.query(`${select("NULL::bigint", "NULL::bigint", "")} UNION ALL
    ${select(microsOf("known_to"), "successor_offset", "_revision")} ORDER BY id, successor NULLS LAST`);
}

const asRows = (kind: Kind, spells: readonly Spell[]): readonly Row[] =>
  spells
    .map((spell) => ({ ...spell, id: KINDS[kind].idOf(spell.id), teller: kind === "sessions" ? null : spell.teller }))
    .toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : (a.successor ?? 1e9) - (b.successor ?? 1e9)));

const anyTold = fc.record({
  id: fc.integer({ min: 1, max: 3 }),
  says: fc.integer({ min: 0, max: 3 }),
  revision: fc.option(fc.integer({ min: 0, max: 4 }).map((n) => NOON + n)),
  // A broker's clock may go back when another takes over.
  afterMs: fc.integer({ min: -1, max: 2 }),
});
const someTold = fc.array(anyTold, { minLength: 1, maxLength: 24 });
const someCuts = fc.array(fc.integer({ min: 1, max: 23 }), { maxLength: 6 });

describe.each(["bars", "performance", "sessions"] as const)("revisions of %s", (kind) => {
  test("are kept whole, wherever batches were cut", async () => {
    const plan = await planOf(kind);
    await fc.assert(
      fc.asyncProperty(someTold, someCuts, async (told, cuts) => {
        const { spells, counts } = record(kind, told);
        await landCut(plan, kind, told, cuts);
        expect(await kept(kind)).toEqual(asRows(kind, spells));
        const [sums] = await tape.query(
          `SELECT sum(written)::bigint AS written, sum(duplicate)::bigint AS duplicate, sum(replaced)::bigint AS replaced,
             sum(superseded)::bigint AS superseded FROM tradetape.landed_batch`,
        );
        expect(sums).toEqual(counts);
      }),
      { numRuns: 25 },
    );
  });

  test("give as-of what was known at every moment, whatever the session's time zone", async () => {
    const plan = await planOf(kind);
    const { columns } = KINDS[kind];
    await fc.assert(
      fc.asyncProperty(
        someTold,
        someCuts,
        fc.constantFrom("UTC", "America/New_York", "Asia/Kathmandu"),
        async (told, cuts, zone) => {
          const { spells } = record(kind, told);
          await landCut(plan, kind, told, cuts);
          await connection.query(`SET TIME ZONE '${zone}'`);
          const moments = [FIRST_US - 1, ...spells.flatMap(({ from }) => [from, from + 1])];
          const found = await connection.query(
            `SELECT at, a.id, a.says FROM unnest($1::bigint[]) AS at CROSS JOIN LATERAL (
             SELECT ${columns.id}::text AS id, ${columns.says} AS says
             FROM public.${CONSUMER_OF[kind].landing.table}_as_of('epoch'::timestamptz + at * interval '1 microsecond')) a
           ORDER BY at, id`,
            [[...new Set(moments)]],
          );
          const known = [...new Set(moments)].flatMap((at) =>
            spells
              .filter(({ from, to }) => from <= at && (to === null || at < to))
              .map(({ id, says }) => ({ at, id: KINDS[kind].idOf(id), says })),
          );
          expect(found).toEqual(known.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)));
        },
      ),
      { numRuns: 10 },
    );
  });
});

/** What views, functions and commands say doesn't depend on the settings of the session that asks. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import * as sample from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

const us = (text: string) => Date.parse(text) * 1000;
const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
/** Summer time ended the day before in New York, and a month before in Lord Howe. */
const DECIDED = us("2024-11-04T00:00Z");
const BACKTEST = sample.idOf("a backtest");

/** Each differs from the first in all that decides how a value is written, read or counted on. */
const SESSIONS: readonly Readonly<Record<string, string>>[] = [
  { TimeZone: "UTC", DateStyle: "ISO, MDY", IntervalStyle: "postgres", extra_float_digits: "1", bytea_output: "hex" },
  { TimeZone: "America/New_York", DateStyle: "SQL, DMY", IntervalStyle: "iso_8601", extra_float_digits: "0" },
  { TimeZone: "Asia/Kolkata", DateStyle: "SQL, MDY", IntervalStyle: "sql_standard", bytea_output: "escape" },
  { TimeZone: "Australia/Lord_Howe", DateStyle: "German, YMD", IntervalStyle: "postgres_verbose" },
  { TimeZone: "Pacific/Apia", DateStyle: "Postgres, DMY", extra_float_digits: "-15", search_path: "pg_catalog" },
];

/** Calls of each function that isn't the state of a table at a time. A new one is added here, with arguments that tell. */
const CALLS: Readonly<Record<string, string>> = {
  "tradetape.bar_end(timestamp with time zone, text)": `SELECT tradetape.bar_end(starts, name)
    FROM unnest(ARRAY['2024-03-09T23:30Z', '2024-11-02T12:00Z', '2024-10-01T00:00Z', '2024-01-31T00:00Z']::timestamptz[]) starts,
      unnest(ARRAY['1s', '1min', '5min', '15min', '30min', '1h', '4h', '1d', '3d', '1w', '1mo', 'none']) name`,
  "public.row_of(uuid)": `SELECT r.* FROM public.market_data m, public.row_of(m.market_data_id) r`,
  [`tradetape.bar_text(text${", double precision".repeat(5)}, text)`]:
    "SELECT tradetape.bar_text('1d', 0.1::float8 + 0.2, 1e300, -37.63, 1.0::float8 / 3, 5e-324, 'days')",
  "tradetape.seconds_text(timestamp with time zone, timestamp with time zone)":
    "SELECT tradetape.seconds_text('2024-11-04T00:00Z', '2024-11-02T00:00:00.5Z')",
  "tradetape.bar_length(text)": "SELECT tradetape.bar_length(name) FROM unnest(ARRAY['1min', '1d', '2w', '1mo']) name",
  "tradetape.named_input(jsonb)": `SELECT n.* FROM tradetape.named_input('[{"kind": "bar", "id": "${sample.idOf("bar 1")}",
    "known_at": 1730678400000001, "value": 0.30000000000000004}]') n`,
  "tradetape.place_of_input(text, uuid, uuid, timestamp with time zone)": `SELECT p.* FROM public.market_data_bar m,
    tradetape.place_of_input('bar', m.market_data_id, m.symbol_id, '2024-11-04T00:00Z') p`,
  "tradetape.contents_of(text, uuid, timestamp with time zone, uuid)": `SELECT c.* FROM public.market_data_bar m,
    tradetape.contents_of('bar', m.symbol_id, m."timestamp", m.market_data_id) c`,
  ["tradetape.shown_content(text, uuid, timestamp with time zone, uuid, text, timestamp with time zone, boolean," +
    " timestamp with time zone, double precision, timestamp with time zone)"]:
    `SELECT c.* FROM public.technical_indicator t,
    tradetape.shown_content('indicator', t.symbol_id, t."timestamp", t.indicator_id, 'the decision', '2024-11-04T00:00Z', true,
      NULL, 0.30000000000000004, 'infinity') c`,
  "tradetape.number_text(double precision)": `SELECT tradetape.number_text(value)
    FROM unnest(ARRAY[0.1::float8 + 0.2, 1e300, -37.63, 'NaN', '-Infinity', 5e-324, 184.25]) value`,
};

/** What link_entries takes. */
const LISTS = [
  ...["uuid[]", "timestamp with time zone[]", "text[]", "text[]", "jsonb[]", "boolean[]", "uuid[]", "text[]"],
  ...["text[]", "integer[]", "bigint[]", "text[]"],
];

/** What a function says is no answer, and why. */
const NOT_ASKED: Readonly<Record<string, string>> = {
  "tradetape.make_day(text, date)": "it makes a partition: a test of its own looks at the bounds",
  "tradetape.keep_revisions(text, text[])": "it makes tables and functions, in migrations",
  ...Object.fromEntries(
    [
      "accept_loss(text, integer, bigint, bigint, text, uuid, text)",
      "act_on_letters(text, text, integer, integer, bigint[], bigint[], text, jsonb, uuid, text)",
      "advance(text, jsonb)",
      "claim_partition(text, integer, bigint, text)",
      "end_allowance(bigint, text, uuid, text)",
      `link_entries(${LISTS.join(", ")})`,
      "lock_letters(text, integer, integer, bigint[])",
      "lock_partitions(text, integer[])",
      "note_deed(text, uuid, text, text, integer, bigint, bigint[], jsonb)",
      "require_note(text)",
      "require_offsets(bigint[])",
      "set_aside(text, integer, bigint, bigint, text, uuid, text)",
      "skip_schema(text, integer, boolean, text, uuid, text)",
    ].map((name) => [
      `tradetape.${name}`,
      "it acts, or checks what one that acts was given: no time is put in words by it",
    ]),
  ),
};

let tape: TestTape;
let env: NodeJS.ProcessEnv;

/** Every view needs a row of these: who adds a view that finds none adds an event. */
async function publishSamples(): Promise<void> {
  await tape.publish("sessions", sample.session({ backtest_session_id: BACKTEST, ended_at: us("2024-12-01T00:00Z") }));
  const lengths = { "1h": HOUR, "1d": DAY, "1w": 7 * DAY };
  const bars = Object.entries(lengths).flatMap(([interval, length], kind) =>
    Array.from({ length: 4 }, (_, n) =>
      sample.bar(10 * kind + n, { interval, timestamp: DECIDED - n * length, ends_at: null }),
    ),
  );
  // Neither is known at the decision, nor in its window, though some sessions count so.
  bars.push(sample.bar(90, { interval: "1mo", timestamp: us("2024-10-04T00:00Z"), source: "months", ends_at: null }));
  // An hour whose end is told.
  bars.push(sample.bar(92, { interval: "1h", timestamp: DECIDED - HOUR, source: "told", ends_at: DECIDED }));
  bars.push(
    sample.bar(91, { interval: "15min", timestamp: DECIDED - 17 * DAY - HOUR / 2, source: "edge", ends_at: null }),
  );
  for (const [n, price] of [0.1 + 0.2, 1 / 3, 1.1 * 1.1].entries()) bars[n]!.close = price;
  await tape.publishAll("bars", bars);
  const times = [us("2024-03-09T23:30Z"), us("2024-03-10T05:30Z"), DECIDED - DAY, DECIDED - 2, DECIDED - 1];
  await tape.publishAll(
    "ticks",
    times.map((timestamp, n) => sample.tick(n, { timestamp, close: 10 / (n + 3) })),
  );
  await tape.publishAll(
    "quotes",
    times.map((timestamp, n) => sample.quote(n, { timestamp, bid_price: 10 / (n + 3) })),
  );
  for (const [n, backtest_session_id] of [null, BACKTEST, null, BACKTEST].entries()) {
    const at = { timestamp: DECIDED + n * DAY, backtest_session_id };
    const action =
      n < 2 ? {} : { action: "HOLD" as const, size: 0, approved: false, reason: "position: nothing is held" };
    await tape.publish("indicators", sample.indicator(n, { ...at, indicator_value: 0.1 + 0.2 }));
    await tape.publish(
      "predictions",
      sample.prediction(n, { ...at, probability_up: 1 / 3, predicted_price: 0.1 + 0.2 }),
    );
    await tape.publish("decisions", sample.decision(n, { ...at, ...action, size: n < 2 ? 1 / 3 : 0 }));
    if (n >= 2) continue;
    const refused = { status: "REJECTED" as const, executed_price: null, quantity: 0 };
    await tape.publish("fills", sample.fill(n, { ...at, executed_price: 0.1 + 0.2, quantity: 1 / 3 }));
    await tape.publish("fills", sample.fill(n + 10, { ...at, ...refused, decision_id: sample.idOf(`decision ${n}`) }));
    await tape.publish("performance", sample.performance(n, { backtest_session_id }));
    await tape.publish("outcomes", sample.outcome(n, { backtest_session_id }));
    await tape.publish("calls", sample.call(n, { backtest_session_id }));
  }
  await tape.publish("audit", sample.audit());
  await tape.raw("ticks", [{ value: Buffer.from("no event") }]);
}

beforeAll(async () => {
  tape = await openTapeWithSymbol();
  env = environmentOf(tape.config);
  await publishSamples();
  await tape.land();
  await tape.land("audit");
});
afterAll(() => tape.stop());

async function inSession<T>(
  settings: Readonly<Record<string, string>>,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: tape.config.databaseUrl });
  await client.connect();
  try {
    for (const [name, value] of Object.entries(settings)) await client.query(`SET ${name} = '${value}'`);
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Rows and a digest of their values, which unlike their text are the same in every session. */
async function digestOf(client: pg.Client, query: string): Promise<{ rows: string; digest: string }> {
  const { rows } = await client.query<{ rows: string; digest: string }>(
    `SELECT count(*) AS rows, sum(hash_record_extended(asked, 0))::text AS digest FROM (${query}) asked`,
  );
  return rows[0]!;
}

async function digests(queries: Readonly<Record<string, string>>): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (const settings of SESSIONS) {
    await inSession(settings, async (client) => {
      const of: Record<string, unknown> = {};
      for (const [name, query] of Object.entries(queries)) of[name] = await digestOf(client, query);
      found.push(of);
    });
  }
  return found;
}

async function oneDigest(queries: Readonly<Record<string, string>>): Promise<void> {
  const [first, ...others] = await digests(queries);
  expect(Object.keys(queries).length).toBeGreaterThan(0);
  for (const [name, { rows }] of Object.entries(first as Record<string, { rows: string }>)) {
    expect(Number(rows), `${name} finds no row: add events to publishSamples`).toBeGreaterThan(0);
  }
  for (const [n, other] of others.entries()) expect(other, JSON.stringify(SESSIONS[n + 1])).toEqual(first);
}

const OURS = "n.nspname IN ('public', 'tradetape')";

describe("a session's settings don't change", () => {
  test("what any view finds", async () => {
    const views = await tape.query<{ name: string }>(
      `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE ${OURS} AND c.relkind IN ('v', 'm') ORDER BY 1`,
    );
    await oneDigest(Object.fromEntries(views.map(({ name }) => [name, `SELECT * FROM ${name}`])));
  });

  test("what any function returns", async () => {
    const functions = await tape.query<{ name: string; call: string; at: boolean }>(
      `SELECT format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) AS name,
         format('%I.%I', n.nspname, p.proname) AS call,
         p.proretset AND oidvectortypes(p.proargtypes) = 'timestamp with time zone' AS at
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE ${OURS} AND p.prorettype <> 'trigger'::regtype ORDER BY 1`,
    );
    const queries = functions
      .filter(({ name }) => NOT_ASKED[name] === undefined)
      .map(({ name, call, at }) => [name, CALLS[name] ?? (at ? `SELECT * FROM ${call}('infinity')` : undefined)]);
    const missing = queries.filter(([, query]) => query === undefined).map(([name]) => name);
    expect(missing, "add calls of these to CALLS").toEqual([]);
    await oneDigest(Object.fromEntries(queries) as Record<string, string>);
  });

  test("the bounds of a day's partition", async () => {
    for (const [n, settings] of SESSIONS.entries()) {
      const day = `2031-03-0${n + 1}`;
      await inSession(settings, (client) => client.query(`SELECT tradetape.make_day('quote', '${day}')`));
      const [made] = await tape.query<{ bounds: string }>(
        `SELECT pg_get_expr(relpartbound, oid) AS bounds FROM pg_class, set_config('TimeZone', 'UTC', false)
         WHERE oid = 'public.quote_${day.replaceAll("-", "")}'::regclass`,
      );
      const bound = (of: string) => `('${of} 00:00:00+00')`;
      expect(made!.bounds).toBe(`FOR VALUES FROM ${bound(day)} TO ${bound(`2031-03-0${n + 2}`)}`);
    }
  });

  test("whether this test would see it", async () => {
    const telling = {
      days: `SELECT "timestamp" + interval '1 d' AS ends FROM public.market_data_bar`,
      window: `SELECT "timestamp" FROM public.market_data_bar
        WHERE "timestamp" > '2024-11-04T00:00Z'::timestamptz - interval '17 days'`,
      digits: "SELECT close::text FROM public.market_data_bar",
      days_of: 'SELECT "timestamp"::date FROM public.market_data_tick',
    };
    const [first, ...others] = await digests(telling);
    for (const name of Object.keys(telling)) {
      expect(
        others.some((other) => JSON.stringify(other[name]) !== JSON.stringify(first![name])),
        name,
      ).toBe(true);
    }
  });
});

test("ALTER DATABASE changes nothing that a command prints, and nothing that lands", async () => {
  await tradetape(["partitions", "drop", "--topic", "ticks", "--before", "2024-03-10", "--yes"], env);
  const commands = [
    ["trace", sample.idOf("decision 0"), "--json"],
    ["trace", sample.idOf("decision 1")],
    ["sessions", "list", "--json"],
    ["sessions", "diff", BACKTEST, BACKTEST, "--json"],
    ["dead-letters", "list", "--json"],
    ["partitions", "list", "--topic", "ticks", "--json"],
    ["audit", "verify", "--json"],
  ];
  const print = async () => {
    const printed: string[] = [];
    for (const command of commands) {
      const { code, stdout, stderr } = await tradetape(command, env);
      expect([code, stderr], command.join(" ")).toEqual([0, ""]);
      printed.push(stdout);
    }
    return printed;
  };
  const before = await print();
  const database = new URL(tape.config.databaseUrl).pathname.slice(1);
  for (const settings of SESSIONS.slice(1)) {
    await tape.query(`ALTER DATABASE ${database} RESET ALL`);
    for (const [name, value] of Object.entries(settings)) {
      await tape.query(`ALTER DATABASE ${database} SET ${name} = ${name === "search_path" ? value : `'${value}'`}`);
    }
    expect(await print(), JSON.stringify(settings)).toEqual(before);
  }
  await tape.query(`ALTER DATABASE ${database} RESET ALL`);
});

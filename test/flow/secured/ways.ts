import pg from "pg";
import { CONSUMERS } from "../../../consumers/all.ts";
import { asReader } from "../../../src/cli/services.ts";
import { openLog } from "../../../src/log.ts";
import { inSnapshot } from "../../../src/table/checks/ledger-check.ts";
import { EventLog } from "../../../src/verify/rows/event-log.ts";
import { verifyTables } from "../../../src/verify/tables.ts";
import { verifyTopics } from "../../../src/verify/topics/topics.ts";
import { verify } from "../../../src/verify/verify.ts";
import { idOf, prediction, session, tick } from "../../support/samples.ts";
import { openTapeWithSymbol, type TestTape } from "../../support/tape.ts";

const KEPT = [
  ...["landed_offset", "landed_batch", "outbox", "dead_letter", "parked_event", "deed"].map(
    (name) => `tradetape.${name}`,
  ),
  ...["audit_log", "symbol", "market_data_tick", "model_prediction"].map((name) => `public.${name}`),
];
const keptName = (table: string) => `kept.${table.split(".")[1]}`;

/** What verify says: of the database alone, of its tables beside the audit log, or of its topics. */
export type Look = "database" | "tables" | "topics";

/** What `link_entries` takes, as SQL: one entry that nobody published. */
const FORGED = {
  ids: "ARRAY[gen_random_uuid()]",
  times: "ARRAY[now()]",
  types: "'{TRADE_DECISION}'",
  actors: "'{ceo}'",
  payloads: `ARRAY['{"size": 1e9}'::jsonb]`,
  successes: "'{true}'",
  sessions: "ARRAY[NULL::uuid]",
  correlations: "ARRAY[NULL::text]",
  topics: "ARRAY[NULL::text]",
  partitions: "ARRAY[NULL::int]",
  offsets: "ARRAY[NULL::bigint]",
  keys: "ARRAY[NULL::text]",
};
type Entries = { readonly [name in keyof typeof FORGED]?: string };

/** SQL that links entries. */
export const link = (change: Entries = {}): string =>
  `SELECT * FROM tradetape.link_entries(${Object.values({ ...FORGED, ...change }).join(", ")})`;
export const NOTHING: Entries = Object.fromEntries(Object.keys(FORGED).map((name) => [name, "NULL"]));

/**
 * A database in which something has landed, is parked, is a letter and is a deed, and whose topics have more: two ticks and two
 * audit entries have not landed, which begin at `nextTick` and `nextEntry` of partition 0. In it a session of a login that
 * may only land.
 */
export class Ways {
  readonly tape: TestTape;
  readonly lander: pg.Client;
  readonly #login: string;
  readonly #log: EventLog;
  nextTick = 0;
  nextEntry = 0;

  private constructor(tape: TestTape, login: string) {
    this.tape = tape;
    this.#login = login;
    const url = new URL(tape.config.databaseUrl);
    [url.username, url.password] = [login, "of a test"];
    this.lander = new pg.Client({ connectionString: url.href });
    this.#log = new EventLog(tape.config, openLog({ logLevel: "silent" }));
  }

  static async open(login: string): Promise<Ways> {
    const tape = await openTapeWithSymbol();
    const ways = new Ways(tape, login);
    await tape.raw("ticks", [{ value: await tape.encode("ticks", tick(1)) }, { value: null }]);
    await tape.publishAll("predictions", [prediction(1), prediction(2, { symbol_id: idOf("late") })]);
    await tape.raw("sessions", [{ value: await tape.encode("sessions", session()) }]);
    await tape.land("ticks", "predictions");
    await tape.land("audit");
    await tape.publishAll("predictions", [prediction(3), prediction(4)]);
    await tape.land("predictions");
    ways.nextEntry = await ways.#next("audit");
    ways.nextTick = await ways.#next("ticks");
    const unlanded = [await tape.encode("ticks", tick(5)), await tape.encode("ticks", tick(6))];
    await tape.raw(
      "ticks",
      unlanded.map((value) => ({ value })),
    );
    await tape.queryAs(
      "tradetape_ops",
      `SELECT tradetape.act_on_letters('DISCARD', topic, 0, 0, ARRAY["offset"], NULL, 'why', '{}', gen_random_uuid(), 'ann')
       FROM tradetape.dead_letter`,
    );
    await tape.query("CREATE SCHEMA kept");
    for (const table of KEPT) await tape.query(`CREATE TABLE ${keptName(table)} AS TABLE ${table}`);
    await tape.query(`CREATE ROLE ${login} LOGIN PASSWORD 'of a test' IN ROLE tradetape_lander`);
    await ways.lander.connect();
    return ways;
  }

  async close(): Promise<void> {
    await this.lander.end();
    await this.tape.query(`DROP ROLE ${this.#login}`);
    await this.tape.stop();
  }

  async #next(topic: "ticks" | "audit"): Promise<number> {
    const [row] = await this.tape.query<{ next: number }>(
      "SELECT next_offset AS next FROM tradetape.landed_offset WHERE topic = $1 AND partition = 0",
      [this.tape.name(topic)],
    );
    return row!.next;
  }

  /** Everything that verify says against the database, but for what waits in the outbox. */
  readonly named = (...looks: readonly Look[]): Promise<string[]> =>
    asReader(this.tape.config, "test", async (connection) => {
      const found: string[] = [];
      const say = ({ subject, detail }: { subject: string; detail: string }) => found.push(`${subject}: ${detail}`);
      if (looks.includes("database")) {
        const { problems, warnings } = await verify(connection, CONSUMERS, { quiet: false });
        for (const finding of [...problems, ...warnings]) if (finding.check !== "outbox") say(finding);
      }
      if (looks.includes("tables")) {
        const look = () => verifyTables(connection, CONSUMERS, this.#log, () => {});
        const { entries, sums } = await inSnapshot(connection, look);
        for (const { table, differing } of [...entries, ...sums]) if (differing > 0) found.push(`${table} differs`);
      }
      if (looks.includes("topics")) {
        const topics = await inSnapshot(connection, () => verifyTopics(connection, CONSUMERS, this.#log));
        if ("notRead" in topics) throw new Error(topics.notRead);
        for (const finding of topics.findings) say(finding);
      }
      return found;
    });

  /** Changes where any row does that is kept. */
  async state(): Promise<unknown> {
    const sums = KEPT.map((table) => `(SELECT sum(hashtextextended(t::text, 0)) FROM ${table} t)::text`);
    return (await this.tape.query(`SELECT ARRAY[${sums.join(", ")}] AS state`))[0]!.state;
  }

  async restore(): Promise<void> {
    const filled = KEPT.map(
      (table) => `DELETE FROM ${table}; INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM ${keptName(table)};`,
    );
    await this.tape.query(`BEGIN; SET LOCAL session_replication_role = replica; ${filled.join(" ")} COMMIT`);
  }

  /** SQL of a step as the landing takes it: of the next tick, as filtered where nothing else is said. */
  advance(change: object = {}, topic = this.tape.name("ticks")): string {
    const counts = {
      holes: 0,
      lost: 0,
      read: 1,
      written: 0,
      duplicate: 0,
      replaced: 0,
      dead: 0,
      parked: 0,
      filtered: 1,
    };
    const given = { firstOffset: this.nextTick, nextOffset: this.nextTick + 1, superseded: 0 };
    const step = { partition: 0, kind: "batch", ...given, ...counts, ...change };
    return `SELECT * FROM tradetape.advance('${topic}', '${JSON.stringify([step])}')`;
  }

  /** SQL of the step of entries that landed. */
  entriesLanded(entries: number): string {
    const range = { firstOffset: this.nextEntry, nextOffset: this.nextEntry + entries };
    return this.advance({ ...range, read: entries, written: entries, filtered: 0 }, this.tape.name("audit"));
  }

  /** SQL of a loss that is accepted. */
  loss(from: number, to: number | null, why = "'gone'", who = "'ann'"): string {
    const place = `'${this.tape.name("ticks")}', 0, ${from}, ${to}`;
    return `SELECT tradetape.accept_loss(${place}, ${why}, gen_random_uuid(), ${who})`;
  }

  /** SQL that gives up whatever is parked, as if it was filtered. */
  giveUp(): string {
    const none = ["holes", "lost", "read", "written", "duplicate", "replaced", "dead", "superseded"].map(
      (name) => `'${name}', 0`,
    );
    return `SELECT tradetape.advance(o.topic, jsonb_build_array(jsonb_build_object('partition', o.partition, 'kind', 'release',
        'firstOffset', o.next_offset, 'nextOffset', o.next_offset, 'parked', -1, 'filtered', 1, ${none.join(", ")})))
      FROM tradetape.landed_offset o JOIN tradetape.landed_batch b USING (topic, partition) WHERE b.parked > 0`;
  }

  /** SQL that links the entries that have not landed, as the topic has them but for a change, and lands their offsets. */
  async linkTrue(change: Entries = {}, isReversed = false): Promise<string[]> {
    const entries: Record<string, unknown>[] = [];
    const range = { partition: 0, from: this.nextEntry, to: this.nextEntry + 2 };
    await this.#log.records("audit", this.tape.name("audit"), [range], async (records) => {
      for (const { event } of records) entries.push(event as Record<string, unknown>);
    });
    if (isReversed) entries.reverse();
    const text = (value: unknown) => (value === null || value === undefined ? "NULL" : pg.escapeLiteral(String(value)));
    const list = (column: string, type: string) =>
      `ARRAY[${entries.map((one) => text(one[column])).join(", ")}]::${type}[]`;
    const times = entries.map(({ timestamp }) => `'epoch'::timestamptz + ${timestamp} * interval '1 microsecond'`);
    const given = {
      ids: list("log_id", "uuid"),
      times: `ARRAY[${times.join(", ")}]`,
      types: list("event_type", "text"),
      actors: list("actor", "text"),
      payloads: list("payload", "jsonb"),
      successes: list("success", "boolean"),
      sessions: list("backtest_session_id", "uuid"),
      correlations: list("correlation_id", "text"),
      topics: list("source_topic", "text"),
      partitions: list("source_partition", "int"),
      offsets: list("source_offset", "bigint"),
      keys: list("signed_by", "text"),
    };
    return [link({ ...given, ...change }), this.entriesLanded(2)];
  }
}

/** SQL that makes a partition known. */
export const claim = (topic: string, partition: number, start: number): string =>
  `SELECT tradetape.claim_partition('${topic}', ${partition}, ${start}, 'x')`;

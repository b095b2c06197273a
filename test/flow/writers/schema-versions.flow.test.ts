import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import avsc from "avsc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { idOf, NOON, SYMBOL_ID, tick } from "../../support/samples.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}

let tape: TestTape;
let versions = 0;

beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(() => tape.stop());

/** Registers a tick schema of other fields, as a program of another release has it; gives a writer of its values. */
async function writerOf(change: (fields: readonly Field[]) => readonly Field[]): Promise<(event: object) => Buffer> {
  const own = JSON.parse(EVENT_SCHEMAS.tick.json) as { readonly fields: readonly Field[] };
  const schema = { ...own, fields: change(own.fields) };
  // A subject of its own: what the registry lets follow what is its business, and tested elsewhere.
  const subject = `version-${++versions}.${tape.name("ticks")}-value`;
  const response = await fetch(`${tape.config.schemaRegistryUrl}/subjects/${subject}/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schemaType: "AVRO", schema: JSON.stringify(schema) }),
  });
  const { id } = (await response.json()) as { id: number };
  const type = avsc.Type.forSchema(schema as unknown as avsc.Schema);
  return (event) => {
    const header = Buffer.alloc(5);
    header.writeInt32BE(id, 1);
    return Buffer.concat([header, type.toBuffer(event)]);
  };
}

const extra = (name: string): Field => ({ name, type: ["null", "string"], default: null });
const without =
  (...names: string[]) =>
  (fields: readonly Field[]) =>
    fields.filter(({ name }) => !names.includes(name));
const withType = (wanted: string, type: unknown) => (fields: readonly Field[]) =>
  fields.map((field) => (field.name === wanted ? { ...field, type } : field));

/** The row of `tick(n)`, written down here once and for all: today's code and tomorrow's must come to the same. */
const goldenRow = (n: number, change: object = {}) => ({
  market_data_id: idOf(`tick ${n}`),
  symbol_id: SYMBOL_ID,
  at: NOON + n,
  timestamp_ns: n,
  close: 184.25 + n,
  volume: 100,
  source: "sample",
  trade_id: `t${n}`,
  venue: "P",
  conditions: ["@", "T"],
  received: NOON + n + 5,
  backtest_session_id: null,
  ...change,
});

const rowsOf = (ids: readonly string[]) =>
  tape.query(
    `SELECT market_data_id, symbol_id, (extract(epoch FROM "timestamp") * 1000000)::bigint AS at, timestamp_ns, close,
       volume, source, trade_id, venue, conditions, (extract(epoch FROM received_at) * 1000000)::bigint AS received,
       backtest_session_id
     FROM public.market_data_tick WHERE market_data_id = ANY($1::uuid[]) ORDER BY "timestamp"`,
    [ids],
  );

describe("events that were written by other versions of their schema", () => {
  const cases: readonly (readonly [string, (fields: readonly Field[]) => readonly Field[], object])[] = [
    ["this version", (fields) => fields, {}],
    ["an older one, without some fields", without("venue", "received_at"), { venue: null, received: null }],
    ["one without a field that has a default of its own", without("timestamp_ns"), { timestamp_ns: 0 }],
    ["a newer one, with fields of its own at both ends", (fields) => [extra("a"), ...fields, extra("z")], {}],
    ["one with its fields in another order", (fields) => [...fields].reverse(), {}],
    ["one of narrower types", withType("volume", "int"), {}],
  ];

  test("land as the same rows, in one batch, side by side", async () => {
    const writers = await Promise.all(cases.map(([, change]) => writerOf(change)));
    const numbers = cases.flatMap((_, kind) => [kind, kind + cases.length]);
    const values = numbers.map((n) => writers[n % cases.length]!({ ...tick(n), a: "x", z: null }));
    await tape.raw(
      "ticks",
      values.map((value) => ({ value })),
    );
    expect((await tape.land("ticks")).ticks).toMatchObject({ written: numbers.length, dead: 0 });
    const expected = numbers.map((n) => goldenRow(n, cases[n % cases.length]![2])).sort((a, b) => a.at - b.at);
    expect(await rowsOf(expected.map(({ market_data_id }) => market_data_id))).toEqual(expected);
  });
});

describe("a registry that is away while events of a schema not met before arrive", () => {
  type Trouble = "none" | "503" | "404 of a proxy" | "cut connections";
  let trouble: Trouble = "none";
  let refused = 0;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      if (trouble !== "none") {
        refused++;
        if (trouble === "cut connections") request.socket.destroy();
        else response.writeHead(Number.parseInt(trouble, 10)).end("<html>away</html>");
        return;
      }
      const { pathname, search } = new URL(request.url!, "http://127.0.0.1");
      const body = request.method === "GET" ? null : Buffer.concat(await request.toArray());
      const headers = { "content-type": request.headers["content-type"] ?? "application/json" };
      const answer = await fetch(`${new URL(tape.config.schemaRegistryUrl!).origin}${pathname}${search}`, {
        method: request.method!,
        headers,
        body,
      });
      response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { pathname } = new URL(tape.config.schemaRegistryUrl!);
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test.each(["503", "404 of a proxy", "cut connections"] as const)(
    "by %s holds them back, makes letters of none, and lands them when it is there again",
    async (kind) => {
      const count = async (table: string) =>
        (await tape.query<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))[0]!.n;
      const before = await count("public.market_data_tick");
      const stop = new AbortController();
      const landing = landBy({ ...tape.config, schemaRegistryUrl: url }, ["ticks"], {
        untilCaughtUp: false,
        stop: stop.signal,
      });
      try {
        await tape.publish("ticks", tick(1000 + before));
        await expect.poll(() => count("public.market_data_tick")).toBe(before + 1);
        const write = await writerOf((fields) => [...fields, extra(`only_${versions}`)]);
        trouble = kind;
        refused = 0;
        await tape.raw("ticks", [{ value: write(tick(2000 + before)) }]);
        await expect.poll(() => refused).toBeGreaterThan(3);
        expect([await count("public.market_data_tick"), await count("tradetape.dead_letter")]).toEqual([before + 1, 0]);
        trouble = "none";
        await expect.poll(() => count("public.market_data_tick")).toBe(before + 2);
      } finally {
        trouble = "none";
        stop.abort();
        await landing;
      }
      expect(await count("tradetape.dead_letter")).toBe(0);
    },
  );

  test("leaves a whole ledger", async () => {
    await tape.land("audit");
    expect(await ledgerFaults(tape)).toEqual([]);
  });
});

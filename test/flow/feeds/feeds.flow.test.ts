import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentOf } from "../../support/landing.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

const folder = mkdtempSync(join(tmpdir(), "tradetape-feeds-"));
let tape: TestTape;

beforeAll(async () => {
  tape = await openTestTape();
});
afterAll(async () => {
  await tape.stop();
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function publish(kind: string, path: string, ...flags: readonly string[]) {
  const { code, stdout, stderr } = await tradetape(
    ["publish", kind, path, "--json", ...flags],
    environmentOf(tape.config),
  );
  return { code, stderr, ...(code === 2 ? {} : JSON.parse(stdout)) };
}

const KLINE = "1733011200000,96407.99,96500.00,96300.10,96450.01,120.5,1733014799999,11600000.0,20000,60.1,5800000.0,0";

test("bars of several symbols and markets land each in its own series, and their symbols with them", async () => {
  const fields =
    "Date,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT";
  const table = file("two.csv", `${fields}\n2024-01-02,185.6,370.9,188.4,375.9,183.9,366.8,187.1,373.8,82000,25000`);
  const asked = await publish("bars", table);
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining("--symbols all")]);
  const sent = await publish("bars", table, "--symbols", "all", "--interval", "1d");
  expect(sent).toMatchObject({ code: 0, sent: 2, files: [{ leftOut: 0, warnings: [] }] });
  expect(sent.files[0].decisions).toContainEqual({ what: "interval", value: "1d", decidedBy: "--interval" });
  for (const market of ["spot", "um"]) {
    const path = file(
      `${market}/BTCUSDT-1h-2024-12.csv`,
      market === "spot" ? KLINE : KLINE.replace("96450.01", "96420.3"),
    );
    expect((await publish("bars", path, "--market", market)).sent).toBe(1);
  }
  const comma = file(
    "bund.csv",
    "Date;Open;High;Low;Close;Volume\n2024-03-04;131,450;131,980;131,210;131,770;512000\n",
  );
  const told = ["--symbol", "BUND", "--interval", "1d", "--source", "desk"];
  const decided = file("first.csv", "Date;Open;High;Low;Close;Volume\n2024-03-05;131,4;131,9;131,2;131,7;1\n");
  // The first of the two could be sent: nothing of it is, because the second is undecided.
  expect((await publish("bars", decided, comma, ...told)).code).toBe(2);
  expect((await publish("bars", comma, ...told, "--decimal", "comma")).sent).toBe(1);
  await tape.land();
  const rows = await tape.query(
    `SELECT s.ticker, m.timestamp::text AS at, m.open, m.high, m.low, m.close, m.volume, m.interval, m.source
     FROM market_data_bar m JOIN symbol s USING (symbol_id) ORDER BY s.ticker, m.source`,
  );
  expect(rows.map((row) => Object.values(row).join(" "))).toEqual([
    "AAPL 2024-01-02 00:00:00+00 187.1 188.4 183.9 185.6 82000 1d yfinance",
    "BTCUSDT 2024-12-01 00:00:00+00 96407.99 96500 96300.1 96450.01 120.5 1h binance-klines",
    "BTCUSDT 2024-12-01 00:00:00+00 96407.99 96500 96300.1 96420.3 120.5 1h binance-um-klines",
    "BUND 2024-03-04 00:00:00+00 131.45 131.98 131.21 131.77 512000 1d desk",
    "MSFT 2024-01-02 00:00:00+00 373.8 375.9 366.8 370.9 25000 1d yfinance",
  ]);
});

test("trades land to the nanosecond, and a row that says otherwise under the same id doesn't", async () => {
  const head = "symbol,timestamp,exchange,price,size,id,conditions,tape";
  const row = (price: string) => `AAPL,2024-01-02T14:30:00.000123456Z,V,${price},100,1,"@ F",C`;
  const sent = await publish("ticks", file("trades.csv", [head, row("187.15"), row("187.16")].join("\n")));
  expect([sent.code, sent.rejections]).toEqual([1, [expect.objectContaining({ line: 3 })]]);
  await tape.land();
  const rows = await tape.query(
    `SELECT timestamp::text AS at, timestamp_ns, close, volume, source, trade_id, venue, conditions FROM market_data_tick`,
  );
  expect(rows).toEqual([
    {
      at: "2024-01-02 14:30:00.000123+00",
      timestamp_ns: 456,
      close: 187.15,
      volume: 100,
      source: "alpaca-trades",
      trade_id: "1",
      venue: "V",
      conditions: ["@", "F"],
    },
  ]);
});

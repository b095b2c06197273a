import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { bars } from "../../producers/bars.ts";
import { quotes } from "../../producers/quotes.ts";
import { ticks } from "../../producers/ticks.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import type { Producer } from "../../src/feed/feed.ts";
import { parseMap } from "../../src/feed/map/schema.ts";
import { askedOf, barsOf, ticksOf } from "../support/feeds/feed-cases.ts";
import { fileOf } from "../support/feeds/feed-files.ts";
import { tradetape } from "../support/tradetape.ts";

const mapFile = (text: string) => fileOf("layout.map.yaml", text);

describe("a map", () => {
  it("says everything about bars: encoding, lines that are no rows, numbers, times, filters", async () => {
    const map = mapFile(`
version: 1
kind: bars
source: desk
encoding: windows-1252
delimiter: ";"
skip: 1
comments: ["Summe"]
columns: { open: Erster, high: Höchst, low: Tiefst, close: Letzter, volume: [Kauf, Verkauf] }
constants: { venue: XETRA }
numbers: { decimal: ",", group: ".", priceScale: 0.01, sizeScale: 1000 }
nulls: ["k.A."]
time: { columns: [Tag, Uhr], format: dd/mm/yyyy, zone: Europe/Berlin, stamp: end }
symbol: { column: Wert, only: [DAX], exchange: XETRA }
rows: [{ column: Art, isNot: [Test] }]
interval: 5min
`);
    const rows = [
      "Auszug vom Montag",
      "Tag;Uhr;Wert;Art;Erster;Höchst;Tiefst;Letzter;Kauf;Verkauf",
      "04.03.2024;09:05;DAX;L;1.771.600,5;1.779.000;1.769.000;1.771.700;1,5;2",
      "04.03.2024;09:10;DAX;Test;1;2;0,5;1;1;1",
      "04.03.2024;09:10;MDAX;L;1;2;0,5;1;1;1",
      "04.03.2024;09:10;DAX;L;k.A.;2;0,5;1;1;1",
      "Summe;;;;;;;;;",
    ];
    const {
      rows: read,
      rejected,
      reasons,
      feed,
    } = await barsOf("a.csv", Buffer.from(rows.join("\n"), "latin1"), { map });
    expect(read.map((row) => row.replace(/^\S+ /, ""))).toEqual([
      "2024-03-04T08:00:00Z 17716.005 17790 17690 17717 3500 5min desk",
    ]);
    expect([rejected, reasons, feed.leftOut()]).toEqual([[6], ["open is empty"], 3]);
    expect(feed.description.decisions.filter(({ decidedBy }) => decidedBy === "--map").length).toBeGreaterThan(8);
  });
  it("says everything about trades: two columns of time, conditions of several columns", async () => {
    const map = mapFile(`
version: 1
kind: ticks
source: desk
delimiter: "|"
header: false
columns: { price: 3, size: 4, trade_id: [5, 6], venue: 6 }
numbers: { decimal: "." }
time: { columns: [1, 2], format: yyyymmdd, zone: UTC }
symbol: { fixed: IBM }
conditions:
  - { column: 7, split: " " }
  - { column: 8, words: { B: buy, S: sell, "": null } }
  - { column: 9, prefix: "late " }
`);
    const text = "20240304|093000|1.5|2|77|N|@ F|B|\n20240304|093001|1.5|2|78|N||S|3\n20240304|093001|1.5|2|79|N||X|";
    const { rows, reasons } = await ticksOf("a.txt", text, { map });
    expect(rows).toEqual([
      "IBM 2024-03-04T09:30:00Z 1.5 2 desk 77-N N @|F|buy",
      "IBM 2024-03-04T09:30:01Z 1.5 2 desk 78-N N sell|late 3",
    ]);
    expect(reasons).toEqual(['8 says "X", which the format has no meaning for']);
  });
  it("leaves to the file and the flags what it doesn't say, and flags count before it", async () => {
    const map = mapFile("version: 1\nkind: bars\nsource: desk\nsymbol: { fixed: IBM }");
    const text = "Date,Open,High,Low,Close,Volume\n2024-03-04,1.5,2,1,1.5,100\n2024-03-05,1.5,2,1,1.5,100";
    expect((await barsOf("a.csv", text, { map })).rows[0]).toBe("IBM 2024-03-04T00:00:00Z 1.5 2 1 1.5 100 1d desk");
    expect((await barsOf("a.csv", text, { map, symbol: "AAPL", source: "x" })).rows[0]).toMatch(/^AAPL .* x$/);
    const bare = mapFile("version: 1\nkind: bars");
    expect(await askedOf(barsOf("a.csv", text, { map: bare }))).toEqual(["--symbol", "--source"]);
  });
  it("is refused with the name of every key that is wrong", async () => {
    const parse = (map: object) => () => parseMap({ version: 1, kind: "bars", ...map }, "my.map");
    expect(parse({ colums: {}, time: { zon: "UTC" } })).toThrow(/my\.map is no map: .*"zon".*"colums"/);
    expect(parse({ version: 2 })).toThrow(/version/);
    expect(parse({ columns: { price: "x" } })).toThrow(/columns\.price is no field/);
    expect(parse({ columns: { open: ["a", "b"] } })).toThrow(/columns\.open can only be one column/);
    expect(parse({ numbers: { priceScale: 0.3 } })).toThrow(/numbers\.priceScale: is no power of ten/);
    expect(parse({ interval: "tick" })).toThrow(/interval/);
    expect(parse({ constants: { volume: "0" } })).toThrow(/constants\.volume/);
    expect(parse({ numbers: { decimal: "?" }, interval: "?" })).toThrow("still has ? for numbers.decimal, interval");
    const text = "Date,Open,High,Low,Close\n2024-03-04,1,2,1,1";
    await expect(barsOf("a.csv", text, { map: mapFile("version: 1\nkind: ticks") })).rejects.toThrow("not bars");
    await expect(barsOf("a.csv", text, { map: mapFile("{") })).rejects.toThrow("neither JSON nor YAML");
    await expect(barsOf("a.csv", text, { map: "no-such.map" })).rejects.toThrow("can't be read");
    const lost = mapFile(
      "version: 1\nkind: bars\nsource: x\ncolumns: { open: Anfang, high: High, low: Low, close: Close }",
    );
    await expect(barsOf("a.csv", text, { map: lost })).rejects.toThrow("lacks Anfang");
  });
});

describe("tradetape feeds", () => {
  const ROW = "17.716;17.790;17.690;17.717;25.300";
  const UNCLEAR = `Date;Open;High;Low;Close;Volume\n2024-03-04;${ROW}\n2024-03-05;${ROW}`;

  it("sniff shows both readings, writes a map with ? where nothing decides, and the answered map reads the file", async () => {
    const path = fileOf("dax.csv", UNCLEAR);
    const written = join(dirname(path), "dax.map.json");
    const { code, stdout } = await tradetape(["feeds", "sniff", path, "--write", written]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/read with --decimal comma\n {2}2024-03-04.* open 17716 /);
    expect(stdout).toMatch(/read with --decimal dot\n {2}2024-03-04.* open 17\.716 /);
    await expect(barsOf("dax.csv", UNCLEAR, { map: written })).rejects.toThrow(
      "? for source, numbers.decimal, symbol.fixed",
    );
    const answered = readFileSync(written, "utf8")
      .replace('"source": "?"', '"source": "desk"')
      .replace('"decimal": "?"', '"decimal": ","')
      .replace('"fixed": "?"', '"fixed": "IBM"');
    const { rows } = await barsOf("dax.csv", UNCLEAR, { map: mapFile(answered) });
    expect(rows[0]).toBe("IBM 2024-03-04T00:00:00Z 17716 17790 17690 17717 25300 1d desk");
    const again = await tradetape(["feeds", "sniff", path, "--write", written]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("EEXIST")]);
  });
  it("sniff says of a format that no map can say so, and leaves no file", async () => {
    const path = fileOf("BTCUSDT-trades-2025-01-01.csv", "1,93576.00,0.00042,39.30192,1735689600012345,True,True");
    const written = join(dirname(path), "x.map.json");
    const { code, stderr } = await tradetape(["feeds", "sniff", path, "--write", written]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("no map can say the format binance-trades")]);
    expect(existsSync(written)).toBe(false);
    const plain = await tradetape(["feeds", "sniff", path, "--json"]);
    expect(JSON.parse(plain.stdout)).toMatchObject({ questions: [], description: { format: "binance-trades" } });
  });
  it("list has every format with its first lines, by which each is known again", async () => {
    const { stdout } = await tradetape(["feeds", "list", "--json"]);
    const listed = JSON.parse(stdout) as { name: string; about: string }[];
    const producers = [ticks, quotes, bars] as readonly Producer<EventTopic>[];
    const all = producers.flatMap(({ formats }) => formats);
    expect(listed.map(({ name }) => name)).toEqual(all.map(({ name }) => name));
    for (const producer of producers) {
      const isRead = ({ about }: { about: string }) => !about.includes("aren't read as this kind");
      for (const { name, sample } of producer.formats.filter(isRead)) {
        const { description } = await producer.sniff(fileOf("x.csv", sample.join("\n")));
        expect(description.format).toBe(name);
      }
    }
  });
});

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { flagsOf, ResumeState } from "../../../src/cli/flow/resume-state.ts";
import type { FeedDescription, FeedOptions } from "../../../src/feed/feed.ts";
import { START } from "../../../src/feed/lines.ts";

const folder = mkdtempSync(join(tmpdir(), "tradetape-resume-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = () => join(folder, `${files++}.json`);

const RUN = { topic: "desk.ticks", cluster: "c1", flags: { symbol: "IBM" } };
const described = (zone = "UTC"): FeedDescription => ({
  file: "a.csv",
  format: "trades",
  about: "",
  decisions: [
    { what: "format", value: "trades", decidedBy: "the file's first lines" },
    { what: "zone", value: zone, decidedBy: "--tz" },
  ],
});
const place = (lines: number) => ({ lines, bytes: lines * 10, sha256: `${lines}` });
const open = (path: string, run: Parameters<typeof ResumeState.open>[1] = RUN, beforeSave = () => {}) =>
  ResumeState.open(path, run, beforeSave, { now: () => 0 });

describe("how far files are published", () => {
  it("is kept as far as all events before are acknowledged, and no further", () => {
    const path = newPath();
    const state = open(path);
    expect(state.begin(described())).toMatchObject(START);
    state.read(place(10), 8);
    state.read(place(20), 18);
    state.read(place(30), 18);
    state.acked(17);
    state.save();
    expect(open(path).begin(described())).toMatchObject(place(10));
    state.acked(18);
    state.save();
    expect(open(path).begin(described())).toMatchObject(place(30));
  });

  it("moves behind lines without an event as soon as they are read", () => {
    const path = newPath();
    const state = open(path);
    state.begin(described());
    state.read(place(10), 0);
    state.save();
    expect(open(path).begin(described())).toMatchObject(place(10));
  });

  it("is kept for each file, and the events of one count for no other", () => {
    const path = newPath();
    const state = open(path);
    state.begin(described());
    state.read(place(10), 5);
    state.acked(5);
    state.begin({ ...described(), file: "b.csv" });
    state.read(place(7), 5);
    state.save();
    expect(open(path).begin(described())).toMatchObject(place(10));
    expect(open(path).begin({ ...described(), file: "b.csv" })).toMatchObject(START);
  });

  it("is written while it runs, once a second, after what was rejected, and whole or not at all", () => {
    const path = newPath();
    let nowMs = 0;
    const order: string[] = [];
    const state = ResumeState.open(path, RUN, () => order.push(`rejects, state ${existsSync(path)}`), {
      now: () => nowMs,
    });
    state.begin(described());
    for (let n = 1; n <= 5; n++) {
      nowMs += 400;
      state.read(place(n), 0);
    }
    expect(order).toEqual(["rejects, state false", "rejects, state true"]);
    expect(JSON.parse(readFileSync(path, "utf8")).files["a.csv"]).toMatchObject(place(3));
    writeFileSync(`${path}.tmp`, "half of");
    expect(open(path).begin(described())).toMatchObject(place(3));
  });

  it("isn't gone on from with other flags, another topic or cluster, or a file that is read in another way", () => {
    const path = newPath();
    const state = open(path);
    state.begin(described());
    state.read(place(10), 0);
    state.save();
    for (const other of [{ topic: "ticks" }, { cluster: "c2" }, { flags: { symbol: "AAPL" } }, { flags: {} }]) {
      const [what] = Object.keys(other);
      expect(() => open(path, { ...RUN, ...other })).toThrow(`is of another publishing: ${what} differ`);
    }
    expect(() => open(path).begin(described("America/New_York"))).toThrow(
      "a.csv was read with zone UTC before, and now with America/New_York",
    );
    const fewer = { ...described(), decisions: described().decisions.slice(0, 1) };
    expect(() => open(path).begin(fewer)).toThrow("a.csv was read with zone UTC before, and now with none");
  });

  it("is refused in one sentence where the file is no state, or can't be read or written", () => {
    const path = newPath();
    writeFileSync(path, "{}");
    expect(() => open(path)).toThrow("holds no state of a publishing");
    writeFileSync(path, "half of");
    expect(() => open(path)).toThrow("holds no state of a publishing");
    mkdirSync(join(folder, "folder"));
    expect(() => open(join(folder, "folder"))).toThrow("--resume: EISDIR");
    const nowhere = open(join(folder, "no", "such", "folder.json"));
    expect(() => nowhere.begin(described())).toThrow("--resume: ENOENT");
  });
});

describe("the flags that are held to those of the run before", () => {
  it("are those that say what the lines mean; of a map, what it says", () => {
    const map = newPath();
    writeFileSync(map, '{"version": 1, "kind": "ticks"}');
    const options: FeedOptions & Record<string, unknown> = {
      symbol: "IBM",
      map,
      eventBytesMax: 1,
      speed: "max",
      json: true,
    };
    expect(flagsOf(options)).toEqual({ symbol: "IBM", map: { version: 1, kind: "ticks" } });
  });
});

import { createRequire } from "node:module";
import { dirname } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import kafkajs from "kafkajs";
import { expect, it } from "vitest";
import { symbol, tick } from "../../support/samples.ts";
import { COMPRESSION, openTestTape } from "../../support/tape.ts";

const load = createRequire(import.meta.url);
const folder = dirname(load.resolve("kafkajs/package.json"));
const { CompressionCodecs, CompressionTypes } = kafkajs;

/** What tradetape changes inside its own kafkajs, as the program's own has it now. */
function insides() {
  const { CompressionCodecs: codecs } = load("kafkajs");
  const { prototype: queue } = load("kafkajs/src/network/requestQueue/index.js");
  const { prototype: connection } = load("kafkajs/src/network/connection.js");
  const { requests } = load("kafkajs/src/protocol/requests/index.js");
  return {
    ...Object.fromEntries(Object.entries(codecs).map(([type, codec]) => [`codec ${type}`, codec])),
    ...Object.fromEntries(Object.getOwnPropertyNames(queue).map((name) => [`request queue ${name}`, queue[name]])),
    ...Object.fromEntries(Object.getOwnPropertyNames(connection).map((n) => [`connection ${n}`, connection[n]])),
    ...Object.fromEntries(Object.keys(requests).map((name) => [`protocol ${name}`, requests[name].protocol])),
  };
}

/** The texts of the insides of a kafkajs that was loaded just now, which nobody has changed. */
function asPublished() {
  const loaded = Object.entries(load.cache).filter(([path]) => path.startsWith(folder));
  for (const [path] of loaded) delete load.cache[path];
  const texts = textsOf(insides());
  for (const path of Object.keys(load.cache)) if (path.startsWith(folder)) delete load.cache[path];
  Object.assign(load.cache, Object.fromEntries(loaded));
  return texts;
}

/** Not of codecs: the tests have set theirs. */
const textsOf = (all: object) =>
  Object.fromEntries(
    Object.entries(all).flatMap(([name, one]) => (name.startsWith("codec ") ? [] : [[name, String(one)]])),
  );

it("has changed nothing of a program's own kafkajs by being loaded", () => {
  const [now, published] = [textsOf(insides()), asPublished()];
  expect(Object.keys(now)).toEqual(Object.keys(published));
  const changed = Object.keys(now).filter((name) => now[name] !== published[name]);
  // By the tests themselves: plain-kafka.ts.
  expect(changed).toEqual(["request queue scheduleCheckPendingRequests"]);
});

it("leaves a program's own kafkajs as it is: its codecs, its request queue, its protocols", async () => {
  const calls: string[] = [];
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: async ({ buffer }: { readonly buffer: Buffer }) => {
      calls.push("compress");
      return gzipSync(buffer);
    },
    decompress: async (buffer: Buffer) => {
      calls.push("decompress");
      return gunzipSync(buffer);
    },
  });
  const before = insides();
  const tape = await openTestTape();
  await tape.publish("symbols", symbol());
  await tape.publish("ticks", tick());
  const { symbols, ticks } = await tape.land("symbols", "ticks");
  expect([symbols.written, ticks.written]).toEqual([1, 1]);
  const after = insides();
  expect(Object.keys(before).filter((name) => before[name] !== after[name])).toEqual([]);

  await tape.raw("predictions", [{ value: Buffer.from("of the program") }], COMPRESSION.gzip);
  const [read] = await tape.read("predictions");
  expect([String(read!.value), ...calls]).toEqual(["of the program", "compress", "decompress"]);
  await tape.stop();
});

/** How long a trace takes among 5 M ticks and 100,000 decisions, of every kind of id. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Connection } from "../../../src/table/connection.ts";
import { tracesBy } from "../../../src/table/sessions/lineage.ts";
import { barsHolding, findTraced, type Traced, tracesOf } from "../../../src/table/sessions/traced.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { bigId, fillTape } from "./big-tape.ts";

const MINUTES = 43_200;
const DECISIONS = 100_000;
const TICKS = 5_000_000;
const ASKED = 40;

let tape: TestTape;
let connection: Connection;

beforeAll(async () => {
  tape = await openTestTape();
  await fillTape(tape, { ticks: TICKS, minutes: MINUTES, indicators: 10, decisions: DECISIONS });
  connection = await Connection.open(tape.config.databaseUrl, { name: "trace times", role: "tradetape_reader" });
}, 30 * 60_000);
afterAll(async () => {
  await connection.close();
  await tape.stop();
});

/** The trees that `tradetape trace` shows of an id. */
async function traceOf(id: string): Promise<{ traced: Traced | undefined; trees: number }> {
  const [traced] = await findTraced(connection, id, id);
  if (traced === undefined) return { traced, trees: 0 };
  const by = traced.kind === "tick" ? await barsHolding(connection, traced as never) : [traced];
  const ids = new Set<string>();
  for (const one of by) for (const found of await tracesOf(connection, one, "infinity", 6)) ids.add(found);
  return { traced, trees: (await tracesBy(connection, [...ids].slice(0, 5), "infinity")).length };
}

test.each([
  ["decision", "decision", (n: number) => `${n * 2000 + 1000}`],
  ["prediction", "prediction", (n: number) => `${n * 2000 + 1000}`],
  ["fill", "fill", (n: number) => `${n * 2000 + 1000} 1`],
  ["audit entry", "audit", (n: number) => `${n * 2000 + 1000}`],
  ["bar", "bar", (n: number) => `1min ${n * 1000 + 777}`],
  ["bar", "bar", (n: number) => `1h ${(n * 17 + 24) * 60}`],
  ["bar", "bar", (n: number) => `1d ${(n % 28) * 1440}`],
  ["indicator", "indicator", (n: number) => `${(n % 10) + 1} ${n * 1000 + 777}`],
  ["tick", "tick", (n: number) => `${n * 120_000 + 5000}`],
] as const)("of a %s (%s)", async (kind, of, name) => {
  const times: number[] = [];
  let trees = 0;
  for (let n = 0; n < ASKED; n++) {
    const [row] = await tape.query<{ id: string }>(`SELECT ${bigId(of, name(n))} AS id`);
    const started = performance.now();
    const found = await traceOf(row!.id);
    times.push(performance.now() - started);
    expect(found.traced).toMatchObject({ kind });
    expect(found.trees).toBeGreaterThan(0);
    trees += found.trees;
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(share * (ASKED - 1))]!.toFixed(1);
  process.stdout.write(
    `trace of a ${kind} (${name(1)}): ${trees / ASKED} trees, p50 ${at(0.5)}, p95 ${at(0.95)}, max ${at(1)} ms\n`,
  );
});

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../support/source-tree.ts";

const TSC = join(ROOT, "node_modules/.bin/tsc");

/** What a program does with the package, as its compiler has to understand it. */
const PROGRAM = `
import { connect, EVENT_TOPICS, strategyId, symbolId, TradetapeError } from "tradetape";
import type { Agent, AgentOptions, Beside, ConnectOptions, EventTopic } from "tradetape";
import type { Headers, PublishOptions, Tape, TickEvent } from "tradetape";

const options: ConnectOptions = { kafkaBrokers: ["broker:9092"], namespace: "paper", publishLingerMs: 5 };
const beside: Beside = { kafkaToken: () => "token" };
const headers: Headers = { "correlation-id": "one" };
const topics: readonly EventTopic[] = EVENT_TOPICS;

export async function run(events: AsyncIterable<TickEvent>, who: AgentOptions): Promise<number> {
  await using tape: Tape = await connect(options, beside);
  const told: PublishOptions = { headers };
  await tape.publish("symbols", { ticker: "IBM" }, told);
  const agent: Agent = tape.agent({ ...who, strategyId: strategyId("momentum") });
  const symbol_id = symbolId("IBM", null);
  const prediction = await agent.predict("one", { symbol_id, probability_up: 0.6 });
  const up: number | null = prediction.probability_up;
  if (up === null) throw new TradetapeError("input_invalid", topics.join());
  return (await tape.publishAll("ticks", events)).sent;
}
`;

/** A folder in which "tradetape" is installed, and of all other packages only the types of Node. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tradetape-types-"));
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@types"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules/@types/node"), join(modules, "@types/node"));
  const outDir = join(modules, "tradetape/dist");
  execFileSync(TSC, ["-p", join(ROOT, "tsconfig.build.json"), "--emitDeclarationOnly", "--outDir", outDir]);
  cpSync(join(ROOT, "package.json"), join(modules, "tradetape/package.json"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** What the compiler says of a program, its own types and the package's checked as strictly as the program itself. */
function compiled(program: string): string {
  writeFileSync(join(folder, "program.ts"), program);
  const flags = ["--noEmit", "--strict", "--skipLibCheck", "false", "--types", "node"];
  const modern = ["--target", "esnext", "--module", "nodenext"];
  return spawnSync(TSC, [...flags, ...modern, "program.ts"], { cwd: folder, encoding: "utf8" }).stdout;
}

test("a program compiles against the package's types alone: none of them is of a package that it is built of", () => {
  expect(compiled(PROGRAM)).toBe("");
}, 240_000);

test("a program that calls what the package doesn't have is told so", () => {
  expect(compiled(PROGRAM.replace('"symbols", { ticker: "IBM" }', '"symbols", { name: "IBM" }'))).toContain(
    "'name' does not exist",
  );
  expect(compiled('import { Tape } from "tradetape";\nnew Tape({});')).toContain("'Tape' only refers to a type");
}, 240_000);

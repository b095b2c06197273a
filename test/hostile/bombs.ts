/**
 * What batches that grow as far as they may cost a consumer's memory: `node test/hostile/bombs.ts`, on a stack of its own. Writes
 * rounds of gzip, snappy, lz4 and zstd, each in every partition of `fills`, and says what the peak of a consumer is that lands
 * them, beside that of one that lands as many messages without a bomb.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TOPICS } from "../../src/topic/topics.ts";
import { DECOMPRESSED_BYTES_MAX } from "../../src/topic/wire/codecs.ts";
import { memberEnv } from "../chaos/run.ts";
import { startServices } from "../chaos/services.ts";
import { plainKafka, plainProducer } from "../support/services/plain-kafka.ts";

const ROUNDS = 2;
/** A record beside its value. */
const RECORD_REST = 64;
const LOOK_MS = 20;
const CODECS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

const folder = mkdtempSync(join(tmpdir(), "tradetape-bombs-"));
const services = await startServices(folder, () => undefined);
const producer = plainProducer(plainKafka({ kafkaBrokers: services.urls.kafkaBrokers.split(",") }));
await producer.connect();

async function write(compression: 0 | 1 | 2 | 3 | 4, bytes: number): Promise<void> {
  const value = Buffer.alloc(bytes);
  for (let partition = 0; partition < TOPICS.fills.partitions; partition++)
    await producer.send({ topic: "fills", compression, messages: [{ value, partition }] });
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

/** @returns MiB, as Linux counts a process's own memory, of one that lands all that waits */
async function peakOfLanding(): Promise<number> {
  const args = ["src/cli/main.ts", "consume", "fills", "--until-caught-up"];
  const child = spawn(process.execPath, args, { env: memberEnv(services), stdio: "ignore" });
  let kib = 0;
  for (; !hasEnded(child); await sleep(LOOK_MS)) {
    const [, seen] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
    kib = Math.max(kib, Number(seen ?? 0));
  }
  if (child.exitCode !== 0) throw new Error(`the consumer ended with code ${child.exitCode}`);
  return Math.round(kib / 1024);
}

const peaks: [string, number][] = [];
for (let round = 0; round < ROUNDS; round++) await write(0, 10);
peaks.push(["none", await peakOfLanding()]);
for (const [name, codec] of Object.entries(CODECS)) {
  for (let round = 0; round < ROUNDS; round++) await write(codec, DECOMPRESSED_BYTES_MAX - RECORD_REST);
  peaks.push([name, await peakOfLanding()]);
}
for (const codec of Object.values(CODECS)) await write(codec, DECOMPRESSED_BYTES_MAX - RECORD_REST);
peaks.push(["all in turn", await peakOfLanding()]);
for (const [name, mib] of peaks) process.stdout.write(`${name.padEnd(12)} ${mib} MiB\n`);
await producer.disconnect();
await services.stop(true);
rmSync(folder, { recursive: true, force: true });

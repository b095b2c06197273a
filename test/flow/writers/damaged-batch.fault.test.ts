import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { startStack, stopStack } from "../../../src/stack/stack.ts";
import { migrate } from "../../../src/table/migrate.ts";
import { createTopics } from "../../../src/topic/create-topics.ts";
import { openKafka } from "../../../src/topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../../src/topic/log-client.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { environmentOf } from "../../support/landing.ts";
import { symbol, tick } from "../../support/samples.ts";
import { temporaryHome } from "../../support/services/stack.ts";
import type { TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

/** Where a record batch has what these tests change (Kafka's documentation, "Record Batch"). */
const LENGTH_AT = 8;
const HEADER_BYTES = 61;

let home: string;
let config: TestTape["config"];
let pool: pg.Pool;

beforeAll(async () => {
  home = temporaryHome();
  const { urls } = await startStack({ home, ports: "random", launcher: "processes", brokers: 1, detached: false });
  config = readConfig({ ...urls, logLevel: "silent" }, {}) as TestTape["config"];
  await migrate(config.databaseUrl);
  await withAdmin(openKafka(config, openLog(config)), (admin) => createTopics(admin, config));
  pool = new pg.Pool({ connectionString: config.databaseUrl, max: 2 });
});
afterAll(async () => {
  await pool.end();
  await stopStack(home, { purge: true });
  rmSync(home, { recursive: true, force: true });
});

/** Changes a batch of the log's first segment, as a failing disk does. The broker sends what the file holds, unseen. */
function damage(partition: number, offset: number, change: (batch: Buffer) => void): void {
  const segment = join(home, "kafka", "1", "data", `ticks-${partition}`, "00000000000000000000.log");
  const bytes = readFileSync(segment);
  for (let at = 0; at < bytes.length; at += LENGTH_AT + 4 + bytes.readInt32BE(at + LENGTH_AT)) {
    if (Number(bytes.readBigInt64BE(at)) !== offset) continue;
    change(bytes.subarray(at));
    writeFileSync(segment, bytes);
    return;
  }
  throw new Error(`no batch begins at offset ${offset}`);
}

const rows = async () =>
  (await pool.query("SELECT count(*)::int AS n FROM public.market_data_tick")).rows[0].n as number;
const logEnds = () => withAdmin(openKafka(config, openLog(config)), (admin) => admin.fetchOffsets("ticks"));
const run = (...args: string[]) => tradetape([...args, "--json"], environmentOf(config));

test("a batch that a disk has damaged is gone past by the command that it names", async () => {
  const tape = await connectTape(config, openLog(config));
  await tape.publish("symbols", symbol());
  const landed = await rows();
  const before = await logEnds();
  // One batch each, and of one partition, by their symbol.
  for (let n = 0; n < 3; n++) await tape.publish("ticks", tick(landed + n));
  await tape.close();
  const { partition, high } = (await logEnds()).find((end, n) => end.high > before[n]!.high)!;
  const damaged = high - 2;
  damage(partition, damaged, (batch) => batch.writeUInt8(batch[HEADER_BYTES + 20]! ^ 4, HEADER_BYTES + 20));

  const stopped = await run("consume", "symbols", "ticks", "--until-caught-up");
  expect(stopped.code, stopped.stderr).toBe(2);
  const line = stopped.stderr.split("\n").find((text) => text.startsWith('{"error"'));
  const { error } = JSON.parse(line!) as { error: { code: string; message: string; next: string } };
  expect(error.code, stopped.stderr).toBe("batch_unreadable");
  expect(error.message).toContain(
    `ticks/${partition}: the record batch at offsets ${damaged} to ${damaged} can't be read`,
  );
  const more = await run(
    "consume",
    "--accept-loss",
    `ticks/${partition}:${damaged}..${damaged + 2}`,
    "--reason",
    "too much",
  );
  expect(more.stderr).toContain(`the log still holds what begins at offset ${damaged + 1}`);

  const [, shown] = /`tradetape ([^`]+)`/.exec(error.next)!;
  const accepted = await run(
    ...shown!.split(" ").map((word) => (word === "WHY" ? "a disk failed" : word)),
    "--until-caught-up",
  );
  expect(accepted.code, accepted.stderr).toBe(0);
  expect(await rows()).toBe(landed + 2);
  expect((await run("verify")).code).toBe(0);
});

/**
 * Runs docker-compose.yml's profile `app` for real, where a Docker engine answers: `npm run image-proof`. It builds the image,
 * has a consumer killed while events come, and prints a line for each thing tried. What it starts is gone at the end.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { readConfig } from "../../src/config.ts";
import { openLog } from "../../src/log.ts";
import { findCompose } from "../../src/stack/containers.ts";
import { choosePorts } from "../../src/stack/ports.ts";
import { connectTape } from "../../src/tradetape/connect-tape.ts";
import { symbol, tick } from "../support/samples.ts";
import { ROOT } from "../support/source-tree.ts";

const PROJECT = "tradetape-image-proof";
const TICKS = 20_000;
const WITHIN_MS = 3 * 60_000;
const found = await findCompose();
if (found === undefined) throw new Error("no Docker engine answers, or there is no Compose for it");
const [program, ...words] = found;

const ports = await choosePorts("random");
const broker = ports.brokers[0]!;
const env = {
  ...process.env,
  TRADETAPE_POSTGRES_PORT: String(ports.postgres),
  TRADETAPE_KAFKA_PORT: String(broker.client),
  TRADETAPE_REGISTRY_PORT: String(ports.registry),
};
const arguments_ = (args: readonly string[]) => [...words, "-p", PROJECT, "--profile", "app", ...args];
const compose = (...args: string[]): string =>
  execFileSync(program, arguments_(args), { cwd: ROOT, env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
/** What a command within the service's container comes to. */
const within = (service: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(program, arguments_(["exec", "-T", service, ...args]), {
    cwd: ROOT,
    env,
    encoding: "utf8",
  });
  return { status, text: `${stdout}${stderr}`.trim() };
};
const inspected = (service: string, format: string): string => {
  const id = compose("ps", "-aq", service).trim().split("\n")[0]!;
  return execFileSync("docker", ["inspect", "--format", format, id], { env, encoding: "utf8" }).trim();
};

const wrong: string[] = [];
function tell(what: string, isGood: boolean, said: unknown): void {
  process.stdout.write(`${isGood ? "good " : "WRONG"}  ${what}: ${said}\n`);
  if (!isGood) wrong.push(what);
}

/** Looks until it is so, and tells how long that took, in seconds. */
async function until(isSo: () => Promise<boolean>): Promise<string> {
  const began = performance.now();
  while (!(await isSo())) {
    if (performance.now() - began > WITHIN_MS) throw new Error(`not so within ${WITHIN_MS / 1000} s`);
    await sleep(500);
  }
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}

const databaseUrl = `postgres://tradetape:tradetape@127.0.0.1:${ports.postgres}/tradetape`;
async function ticksLanded(): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query("SELECT count(*)::int AS n FROM market_data_tick").finally(() => client.end());
  return rows[0].n as number;
}

try {
  const began = performance.now();
  compose("up", "-d", "--build", "consume", "console");
  tell("built and up", true, `${((performance.now() - began) / 1000).toFixed(0)} s`);
  const bytes = Number(execFileSync("docker", ["image", "inspect", "--format", "{{.Size}}", "tradetape"], { env }));
  tell("the image's size", bytes < 500e6, `${(bytes / 1e6).toFixed(0)} MB`);
  for (const job of ["migrate", "topics"]) {
    const code = inspected(job, "{{.State.ExitCode}}");
    tell(`${job} has ended`, code === "0", `exit code ${code}`);
  }
  const user = within("consume", "node", "-p", "process.getuid()").text;
  tell("runs as nobody's administrator", user === "1000", `user ${user}`);
  const write = within("consume", "node", "-e", "require('fs').writeFileSync('/app/x', '')");
  tell(
    "can't change its image",
    write.status !== 0 && write.text.includes("EROFS"),
    write.text.split("\n").at(4) ?? "",
  );
  const healthy = await until(async () => inspected("consume", "{{.State.Health.Status}}") === "healthy");
  tell("is healthy by /live", true, healthy);

  const schemaRegistryUrl = `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`;
  const config = readConfig({ kafkaBrokers: `127.0.0.1:${broker.client}`, schemaRegistryUrl }, {});
  const tape = await connectTape(config, openLog({ logLevel: "warn" }));
  await tape.publish("symbols", symbol());
  const publish = (from: number) =>
    tape.publishAll(
      "ticks",
      Array.from({ length: TICKS }, (_, n) => tick(from + n)),
    );
  await publish(0);
  tell("what was published has landed", true, await until(async () => (await ticksLanded()) === TICKS));
  const publishing = publish(TICKS);
  compose("kill", "-s", "KILL", "consume");
  await publishing;
  compose("up", "-d", "consume");
  const all = await until(async () => (await ticksLanded()) === 2 * TICKS);
  tell("a consumer was killed and replaced: all has landed", true, all);
  await tape.close();
  const verified = within("consume", "tradetape", "verify");
  tell(
    "verify",
    verified.status === 0,
    verified.text.split("\n").find((line) => line.includes("rows")) ?? verified.text,
  );

  const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(compose("logs", "--no-color", "console"))?.[0];
  const page = address === undefined ? undefined : await fetch(address);
  tell("the console answers this machine", page?.ok === true, `${address} ${page?.status}`);
  compose("stop", "consume");
  const code = inspected("consume", "{{.State.ExitCode}}");
  tell("a stop is in good order", code === "0", `exit code ${code}`);
} finally {
  if (wrong.length > 0) process.stdout.write(compose("logs", "--no-color", "--tail", "20"));
  compose("down", "-v", "--remove-orphans");
}
process.exitCode = wrong.length === 0 ? 0 : 1;

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONSUMERS } from "../../../consumers/all.ts";
import { stopStack } from "../../stack/stack.ts";
import { Connection } from "../../table/connection.ts";
import { type LineageStep, lastFillLineage } from "../../table/sessions/lineage.ts";
import { type Verification, verify } from "../../verify/verify.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";
import { verificationText } from "../rebuild/verify.ts";
import { obtainServices, type Services } from "../services.ts";
import { prepare } from "../stack/up.ts";
import { type DemoRow, runPipeline } from "./demo-pipeline.ts";
import { DEMO_RUN } from "./demo-session.ts";

/** What the demo ends with. */
interface DemoResult {
  readonly seconds: number;
  readonly topics: readonly DemoRow[];
  readonly lineage: readonly LineageStep[];
  readonly verification: Verification;
  /** Whether every published event is in its table, or was there before, and the ledger says the same. */
  readonly ok: boolean;
}

export const demoCommand: CommandSpec<object> = {
  name: "demo",
  summary: "the whole pipeline on real bars and a seeded stream of ticks, in about a minute",
  examples: ["tradetape demo                            on a stack of its own, which it removes again"],
  isService: true,
  run: async (session) => {
    const startedMs = performance.now();
    const home = mkdtempSync(join(tmpdir(), "tradetape-demo-"));
    const services = await obtainServices(session, { home, ports: "random", detached: false });
    try {
      session.progress.line(`services: ${services.origin}`);
      await prepare(session, services.config);
      const rows = await runPipeline({ ...session, config: services.config });
      if (session.signal.aborted) return EXIT.interrupted;
      const { lineage, verification } = await readBack(services);
      const seconds = Math.round(performance.now() - startedMs) / 1000;
      const ok = verification.ok && rows.every((row) => row.published === row.landed + row.duplicates);
      const result = { seconds, topics: rows, lineage, verification, ok };
      session.out.result(result, () => demoText(result));
      return ok ? EXIT.good : EXIT.foundWrong;
    } finally {
      await leave(session, services, home);
    }
  },
};

async function leave({ progress }: Session, services: Services, home: string): Promise<void> {
  progress.close();
  await services.stop();
  if (services.started) {
    await stopStack(home, { purge: true });
    progress.line("stack stopped and removed");
  }
  rmSync(home, { recursive: true, force: true });
}

/**
 * From the tables, with a reader's rights: what the fill rests on, and whether all is as the ledger says. On somebody
 * else's services other consumers may run, so only a stack of our own must be quiet.
 */
async function readBack({ config, started }: Services) {
  const connection = await Connection.open(config.databaseUrl, { name: "demo", role: "tradetape_reader" });
  try {
    const lineage = await lastFillLineage(connection, DEMO_RUN.session);
    return { lineage, verification: await verify(connection, CONSUMERS, { quiet: started }) };
  } finally {
    await connection.close();
  }
}

function demoText({ seconds, topics, lineage, verification, ok }: DemoResult): string {
  const rows = topics.map((r) => [r.topic, r.published, r.landed, r.duplicates, r.deadLetters, r.rowsPerSecond]);
  const steps = lineage.map(({ at, step, what }) => [at, step, what]);
  const published = topics.reduce((sum, row) => sum + row.published, 0);
  return [
    table(["topic", "published", "landed", "duplicates", "dead letters", "rows/s"], rows),
    "",
    "what the last fill rests on:",
    table(["at", "step", "what"], steps),
    "",
    `verify: ${verificationText(verification)}`,
    ok
      ? `${count(published)} events published, every one in its table once; ${seconds.toFixed(1)} s in all`
      : "not every published event is in its table: see the rows above",
  ].join("\n");
}

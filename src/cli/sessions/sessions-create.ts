import { userName } from "../../audit/actor.ts";
import { TradetapeError } from "../../errors.ts";
import type { SessionEvent } from "../../event/events.ts";
import { WORKFLOW_HEADERS } from "../../event/workflow.ts";
import { codeVersion } from "../../session/code-version.ts";
import { draftSession } from "../../session/draft.ts";
import { readSession } from "../../table/sessions/session-list.ts";
import { connectTape } from "../../tradetape/connect-tape.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wrong } from "../flags.ts";
import { asRole } from "../services.ts";
import { jsonArgument } from "./json-argument.ts";

interface CreateFlags {
  readonly kind?: string;
  readonly key?: string;
  readonly codeVersion?: string;
  readonly config: string;
  readonly dataSet?: string;
}

const KINDS = ["live", "paper", "backtest", "replay"] as const;

export const createCommand: CommandSpec<CreateFlags> = {
  name: "create",
  summary: "begin a session: publishes it and prints its id",
  examples: [
    'tradetape sessions create "golden cross 50/200" --kind backtest --config \'{"fast": 50, "slow": 200}\'',
    "SESSION=$(tradetape sessions create nightly --kind paper --config @agent.json --key nightly-2026-07-01)",
  ],
  declare: (command) => {
    command.argument("<name>", "a title for people");
    command.requiredOption("--kind <kind>", `of ${KINDS.join(", ")}`);
    command.option("--config <json>", "the run's settings, a JSON object, or @FILE", "{}");
    command.option("--code-version <text>", "default: what `git describe` says in this folder, or none");
    command.option("--data-set <text>", "the data it reads");
    command.option(
      "--key <text>",
      "your own name for the run: the same key is the same session; else each call makes one",
    );
  },
  run: async (session, [name], flags) => {
    const { config, out, log } = session;
    const kind = KINDS.find((known) => known === flags.kind);
    if (kind === undefined) throw wrong(`--kind ${flags.kind}`, KINDS.join(", "));
    const version = flags.codeVersion ?? (await codeVersion(process.cwd()));
    if (version === null) session.progress.line("git has no name for the code in this folder: --code-version says one");
    const event = draftSession({
      kind,
      name: name!,
      codeVersion: version,
      config: jsonArgument("--config", flags.config),
      dataSet: flags.dataSet ?? null,
      key: flags.key ?? null,
      startedUs: Date.now() * 1000,
    });
    const known = flags.key === undefined ? undefined : await knownSession(session, flags.key, event);
    if (!known) {
      await using tape = await connectTape(config, log);
      await tape.publish("sessions", event, { headers: { [WORKFLOW_HEADERS.actor]: userName() } });
    }
    out.result({ ...event, created: !known }, () => event.backtest_session_id);
    return EXIT.good;
  },
};

/**
 * Whether a key's session is there. A key is a claim about what was said before, so it is looked up: a later call must
 * not change what a run that has begun is on record with, and whatever belongs to a deleted session is filtered.
 * @throws TradetapeError input_invalid when it was deleted, or is another run
 */
async function knownSession({ config }: Session, key: string, event: SessionEvent): Promise<boolean> {
  const id = event.backtest_session_id;
  const landed = await asRole(config, "sessions", "tradetape_reader", (connection) => readSession(connection, id));
  if (landed === undefined) return false;
  const differs = (["kind", "code_version", "config_sha256", "data_set"] as const).filter(
    (field) => (event[field] ?? null) !== landed[field],
  );
  if (landed.status !== "deleted" && differs.length === 0) return true;
  const why = landed.status === "deleted" ? "was deleted" : `has another ${differs.join(", ")}`;
  throw new TradetapeError("input_invalid", `--key ${key}: its session ${id} ${why}`, {
    next: "Take another key for another run.",
  });
}

import { requireServices } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import { openRegistry } from "../../event/registry.ts";
import { type Ops, openOps } from "../../operator/ops.ts";
import { deletionLanded, publishDeleted } from "../../session/mark-deleted.ts";
import { removeSession } from "../../session/remove.ts";
import { SESSION_TABLES } from "../../session/tables.ts";
import type { LandedSession } from "../../table/sessions/session-list.ts";
import { countSessionRows } from "../../table/sessions/session-rows.ts";
import { inTurn } from "../../table/turn.ts";
import { connectTape } from "../../tradetape/connect-tape.ts";
import type { CommandSpec, Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { wholeFlag } from "../flags.ts";
import { count } from "../progress.ts";
import { requireSession, sessionArgument } from "./session-argument.ts";
import { rowsText } from "./sessions-show.ts";

interface DeleteFlags {
  readonly wait: string;
  readonly yes?: boolean;
}

export const deleteCommand: CommandSpec<DeleteFlags> = {
  name: "delete",
  summary: "take a session's rows out of every table, for good and audited; without --yes, say how many",
  examples: [
    "tradetape sessions delete 0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d",
    "tradetape sessions delete 0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d --yes",
  ],
  declare: (command) => {
    command.argument("<session>", "its id");
    command.option("--wait <seconds>", "how long its end may take to land, once it is published", "30");
    command.option("--yes", "do it");
  },
  run: async (session, [text], flags) => {
    const id = sessionArgument(text);
    const waitMs = wholeFlag("--wait", flags.wait, 0)! * 1000;
    const ops = await openOps(session.config, { name: "sessions", role: "tradetape_owner" });
    try {
      const found = await requireSession(ops.connection, id);
      refuseLive(found);
      if (!flags.yes) return await dryRun(session, ops, found);
      // Whoever drops days drops partitions that this one lists.
      return await inTurn(ops.databaseUrl, "removal_turn", () => deleteIt(session, ops, found, waitMs));
    } finally {
      await ops.close();
    }
  },
};

/** What was traded is on record for good; a session of kind live is a name for some of it. */
function refuseLive({ kind, backtest_session_id }: LandedSession): void {
  if (kind !== "live") return;
  throw new TradetapeError("input_invalid", `session ${backtest_session_id} is live: its record isn't deleted`, {
    next: "Paper, backtest and replay sessions can be deleted.",
  });
}

async function dryRun({ out }: Session, ops: Ops, found: LandedSession): Promise<ExitCode> {
  const rows = await countSessionRows(ops.connection, SESSION_TABLES, found.backtest_session_id);
  out.result({ dryRun: true, session: found, rows }, () =>
    [rowsText(rows), "these rows would be deleted; nothing was changed: --yes does it"].join("\n"),
  );
  return EXIT.good;
}

async function deleteIt(session: Session, ops: Ops, found: LandedSession, waitMs: number): Promise<ExitCode> {
  const { config, out, signal, log, progress } = session;
  const id = found.backtest_session_id;
  const { status } = await requireSession(ops.connection, id);
  if (status !== "deleted") {
    await using tape = await connectTape(config, log);
    await publishDeleted(tape, found, ops.login);
  }
  if (!(await deletionLanded(ops.connection, id, { waitMs, stop: signal }))) return EXIT.interrupted;
  const removed = await removeSession(ops, {
    session: id,
    namespace: config.namespace,
    registry: openRegistry(requireServices(config, "schemaRegistryUrl")),
    stop: signal,
    onRemoved: ({ table, rows }) => progress.line(`${table}: ${count(rows)} rows deleted`),
  });
  const interrupted = signal.aborted;
  const rows = Object.fromEntries(removed.rows.map((entry) => [entry.table, entry.rows]));
  out.result({ dryRun: false, session: id, rows, parked: removed.parked, interrupted }, () =>
    [
      rowsText(rows),
      ...(removed.parked > 0 ? [`${count(removed.parked)} of its events were parked, and are filtered`] : []),
      interrupted
        ? "stopped: the same command deletes the rest"
        : `session ${id} is deleted; later events of it are filtered`,
    ].join("\n"),
  );
  return interrupted ? EXIT.interrupted : EXIT.good;
}

import { type Contradiction, LEAKS, type LeakKind, type LookAhead, lookAhead } from "../../table/desk/look-ahead.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { printable, table } from "../output.ts";
import { count } from "../progress.ts";
import { asReader } from "../services.ts";
import { requireSession, sessionArgument } from "./session-argument.ts";

/** A person reads some of them; --json names each. */
const SHOWN_MAX = 100;

export const lookaheadCommand: CommandSpec<{ readonly session?: string }> = {
  name: "lookahead",
  summary: "whether a decision used what was known later than its time, or a fill a later price; names each",
  examples: [
    "tradetape lookahead                             all decisions; exit code 1 where one used what it can't have known",
    "tradetape lookahead --session 0198c5a4-... --json",
  ],
  declare: (command) => {
    command.option("--session <id>", "of one session; without it all decisions, with those of no session");
  },
  run: async ({ config, out, progress, signal }, _args, flags) => {
    const session = flags.session === undefined ? null : sessionArgument(flags.session);
    const found = await asReader(config, "lookahead", async (connection) => {
      if (session !== null) await requireSession(connection, session);
      const bar = progress.bar("decisions", undefined, "decisions");
      const found = await lookAhead(connection, session, { stop: signal, onProgress: bar.set });
      bar.end();
      return found;
    });
    out.result(found, () => foundText(found));
    if (found.findings.length > 0) return EXIT.foundWrong;
    return found.interrupted ? EXIT.interrupted : EXIT.good;
  },
};

function foundText({ decisions, provable, notProvable, leaks, findings, revised, interrupted }: LookAhead): string {
  const kinds = Object.entries(leaks).map(([kind, n]) => [kind, n, LEAKS[kind as LeakKind]]);
  return [
    `${count(decisions)} decisions: ${count(provable)} provable, ${count(notProvable)} not provable`,
    table(["leak", "found", ""], kinds),
    ...(findings.length === 0 ? [] : [findingsText(findings)]),
    ...(revised.length === 0 ? [] : [`inputs of backtests and replays that were revised: ${count(revised.length)}`]),
    ...(interrupted ? ["stopped before the last decision"] : []),
  ].join("\n\n");
}

function findingsText(findings: readonly Contradiction[]): string {
  const rows = findings.slice(0, SHOWN_MAX).map(({ decisionId, kind, toldBy, input, id, at, against }) => {
    const named = input === null ? null : printable(`${input} ${id ?? "without an id"}`);
    return [decisionId, kind, toldBy, named, at, against];
  });
  const more = findings.length - rows.length;
  return [
    table(["decision", "leak", "told by", "event", "its time", "contradicts"], rows),
    ...(more > 0 ? [`and ${count(more)} more: --json names them`] : []),
  ].join("\n");
}

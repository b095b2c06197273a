import { discard } from "../../dead-letter/discard.ts";
import { openOps } from "../../operator/ops.ts";
import { countOpenLetters } from "../../table/letters/dead-letters.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wholeFlag } from "../flags.ts";
import { count } from "../progress.ts";
import { declareActing, lettersText } from "./dead-letters-redrive.ts";
import { declareFilter, type FilterFlags, letterFilter } from "./letter-filter.ts";
import { declareNote, type NoteFlags, noteOf } from "./note.ts";

interface DiscardFlags extends FilterFlags, NoteFlags {
  readonly limit?: string;
  readonly yes?: boolean;
}

export const discardCommand: CommandSpec<DiscardFlags> = {
  name: "discard",
  summary: "give letters up, audited, with a reason; their bytes stay; without --yes, say which",
  examples: [
    'tradetape dead-letters discard --reason invalid --reason-text "a test feed" --yes',
    "tradetape dead-letters discard --topic ticks --until 7d --reason-text old",
  ],
  declare: (command) => {
    declareFilter(command);
    declareActing(command);
    declareNote(command);
    command.option("--yes", "do it");
  },
  run: async ({ config, out, signal }, _args, flags) => {
    const filter = letterFilter(config, flags);
    const lettersMax = wholeFlag("--limit", flags.limit, 1) ?? Number.POSITIVE_INFINITY;
    const note = noteOf(flags);
    const ops = await openOps(config, { name: "dead letters", role: "tradetape_ops" });
    try {
      if (!flags.yes) {
        const letters = await countOpenLetters(ops.connection, filter, config.redriveAttemptsMax);
        const all = letters.reduce((sum, group) => sum + group.letters, 0);
        const wouldDiscard = Math.min(all, lettersMax);
        out.result({ dryRun: true, wouldDiscard, letters }, () =>
          [
            ...(all === 0 ? [] : [lettersText(letters)]),
            `${count(wouldDiscard)} letters would be discarded; nothing was changed: --yes does it`,
          ].join("\n"),
        );
        return EXIT.good;
      }
      const discarded = await discard(ops, { filter, note, lettersMax, stop: signal });
      out.result({ dryRun: false, discarded, interrupted: signal.aborted }, () => `${count(discarded)} discarded`);
      return signal.aborted ? EXIT.interrupted : EXIT.good;
    } finally {
      await ops.close();
    }
  },
};

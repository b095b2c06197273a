import { skipSchema } from "../../dead-letter/allow.ts";
import { openOps } from "../../operator/ops.ts";
import { topicName } from "../../topic/topics.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { CONSUMED_TOPICS, knownTopic, wrong } from "../flags.ts";
import { declareNote, type NoteFlags, noteOf } from "./note.ts";

interface SkipFlags extends NoteFlags {
  readonly end?: boolean;
  readonly yes?: boolean;
}

export const skipSchemaCommand: CommandSpec<SkipFlags> = {
  name: "skip-schema",
  summary: "let events of a schema become letters from now on where they can't land, however many; audited",
  examples: [
    'tradetape dead-letters skip-schema bars 17 --reason-text "a writer of theirs" --yes',
    'tradetape dead-letters skip-schema bars 17 --reason-text "mended" --end --yes    take it back',
  ],
  declare: (command) => {
    command.argument("<topic>", `of ${CONSUMED_TOPICS.join(", ")}`);
    command.argument("<schema id>", "the registry's, as the error names it");
    declareNote(command);
    command.option("--end", "no longer");
    command.option("--yes", "do it");
  },
  run: async ({ config, out }, [given = "", id = ""], flags) => {
    const note = noteOf(flags);
    const schemaId = schemaIdOf(id);
    const name = topicName(config.namespace, knownTopic(config.namespace, given));
    const isEnded = flags.end === true;
    const what = `events of schema ${schemaId} in ${name} that can't land`;
    if (!flags.yes) {
      const would = isEnded ? "would be counted again" : "would become letters without stopping the group";
      out.result({ dryRun: true, topic: name, schemaId }, () => `${what} ${would}; nothing was changed: --yes does it`);
      return EXIT.good;
    }
    const ops = await openOps(config, { name: "skip schema", role: "tradetape_ops" });
    const changed = await skipSchema(ops, name, { schemaId, isEnded, note }).finally(() => ops.close());
    const become = isEnded ? "are counted again" : "become letters without stopping the group";
    out.result({ dryRun: false, topic: name, schemaId, ended: isEnded, changed }, () =>
      changed ? `${what} ${become}, from its next try on` : `${what} ${become}, as before`,
    );
    return EXIT.good;
  },
};

/** @throws TradetapeError input_invalid */
function schemaIdOf(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text);
  throw wrong(text, "a schema's id, a whole number");
}

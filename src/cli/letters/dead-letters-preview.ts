import { kindsText, schemaText } from "../../batch/land/letter-digest.ts";
import type { Preview } from "../../dead-letter/preview.ts";
import { LEDGER_COUNTS } from "../../table/landing/ledger.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { CONSUMED_TOPICS, knownTopic, wholeFlag } from "../flags.ts";
import { printable, table } from "../output.ts";
import { count } from "../progress.ts";

interface PreviewFlags {
  readonly limit?: string;
}

const OFFSETS_MAX = 100_000;

export const previewCommand: CommandSpec<PreviewFlags> = {
  name: "preview",
  summary: "what would become of the events that wait: rows, letters by reason and schema, the answers; lands nothing",
  examples: [
    "tradetape dead-letters preview bars",
    "tradetape dead-letters preview bars --limit 1000     the first ones of each partition, so many in all",
  ],
  declare: (command) => {
    command.argument("<topic>", `of ${CONSUMED_TOPICS.join(", ")}`);
    command.option("--limit <n>", `look at so many at most (${count(OFFSETS_MAX)})`);
  },
  run: async ({ config, log, out, progress, signal }, [given = ""], flags) => {
    // Loaded here, because the other commands of `dead-letters` need nothing of the landing.
    const { pickConsumers } = await import("../flow/consume.ts");
    const { openLandingServices } = await import("../../batch/run/landing-services.ts");
    const { preview } = await import("../../dead-letter/preview.ts");
    const offsetsMax = wholeFlag("--limit", flags.limit, 1) ?? OFFSETS_MAX;
    const [consumer] = pickConsumers([knownTopic(config.namespace, given)]);
    const services = await openLandingServices(config, log);
    const bar = progress.bar(consumer!.topic, undefined, "events");
    try {
      const onProgress = (seen: number, total: number) => bar.set(seen, total);
      const found = await preview(services, consumer!, { offsetsMax, stop: signal, onProgress });
      out.result({ ...found, interrupted: signal.aborted }, () => previewText(found));
    } finally {
      bar.end();
      await services.close();
    }
    return signal.aborted ? EXIT.interrupted : EXIT.good;
  },
};

function previewText({ waiting, seen, counts, letters, parked, answers }: Preview): string {
  const kinds = letters.length === 0 ? [] : kindsText(letters).split("\n").map(printable);
  const looked = [
    table(LEDGER_COUNTS, [LEDGER_COUNTS.map((name) => counts[name])]),
    ...kinds,
    `${count(seen)} of ${count(waiting)} that wait were looked at; nothing has landed`,
  ];
  return [
    ...(waiting === 0 ? ["nothing waits in the log"] : looked),
    ...(parked.length === 0 ? [] : [parkedText(parked)]),
    ...(answers.length === 0 ? [] : ["Should they stop the group, one of these:", ...answers]),
  ].join("\n");
}

function parkedText(parked: Preview["parked"]): string {
  const events = parked.reduce((sum, schema) => sum + schema.events, 0);
  const schemas = parked.map((schema) => `${schemaText(schema.schemaId)}: ${count(schema.events)}`).join(", ");
  return `${count(events)} events are parked (${schemas}): they become letters where their parents never come`;
}

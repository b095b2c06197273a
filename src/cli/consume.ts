import { CONSUMERS } from "../../consumers/all.ts";
import { type ConsumeProgress, consume } from "../batch/consume.ts";
import type { Consumer } from "../batch/consumer.ts";
import { openLandingServices } from "../batch/landing-services.ts";
import type { Tally } from "../batch/tally.ts";
import { TradetapeError } from "../errors.ts";
import type { CommandSpec } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./output.ts";
import type { Bar, Progress } from "./progress.ts";

interface ConsumeOptions {
  readonly untilCaughtUp?: boolean;
}

export const consumeCommand: CommandSpec<ConsumeOptions> = {
  name: "consume",
  summary: "land what the topics hold in the database: all topics, or those named",
  examples: [
    "tradetape consume                            until Ctrl-C",
    "tradetape consume --until-caught-up          what is there now, then end",
    "tradetape consume ticks bars                 two groups only",
  ],
  isService: true,
  declare: (command) => {
    command.argument("[topic...]", `of ${CONSUMERS.map(({ topic }) => topic).join(", ")}`);
    command.option("--until-caught-up", "end when what the topics hold now has landed");
  },
  run: async ({ config, log, out, progress, signal, force }, topics, options) => {
    const consumers = pickConsumers(topics);
    const untilCaughtUp = options.untilCaughtUp === true;
    const services = await openLandingServices(config, log);
    const bars = topicBars(progress);
    let tallies: readonly Tally[];
    try {
      if (!untilCaughtUp) progress.line(`consuming ${consumers.map(({ topic }) => topic).join(", ")}; Ctrl-C stops it`);
      tallies = await consume(services, consumers, { untilCaughtUp, stop: signal, force, onProgress: bars.show });
    } finally {
      bars.end();
      await services.close();
    }
    progress.close();
    out.result(tallies, () => talliesText(tallies));
    return signal.aborted ? EXIT.interrupted : EXIT.good;
  },
};

/** @throws TradetapeError input_invalid that lists the topics there are */
export function pickConsumers(topics: readonly string[]): readonly Consumer[] {
  const unknown = topics.filter((name) => !CONSUMERS.some(({ topic }) => topic === name));
  if (unknown.length > 0) {
    throw new TradetapeError("input_invalid", `no consumer group for ${unknown.join(", ")}`, {
      next: `There are ${CONSUMERS.map(({ topic }) => topic).join(", ")}.`,
    });
  }
  return topics.length === 0 ? CONSUMERS : CONSUMERS.filter(({ topic }) => topics.includes(topic));
}

/** A bar per topic, from the first time that there is something to tell of it. */
export function topicBars(progress: Progress): { show(now: readonly ConsumeProgress[]): void; end(): void } {
  const bars = new Map<string, Bar>();
  return {
    show: (now) => {
      for (const { topic, landed, total } of now) {
        if (landed === 0 && !total) continue;
        const bar = bars.get(topic) ?? progress.bar(topic, total, "events");
        bars.set(topic, bar);
        bar.set(landed, total);
      }
    },
    end: () => {
      for (const bar of bars.values()) bar.end();
      bars.clear();
    },
  };
}

const COUNTS = ["read", "written", "duplicate", "replaced", "dead", "parked", "filtered"] as const;

function talliesText(tallies: readonly Tally[]): string {
  return table(
    ["topic", ...COUNTS],
    tallies.map((tally) => [tally.topic, ...COUNTS.map((count) => tally[count])]),
  );
}

import { CONSUMERS } from "../../../consumers/all.ts";
import { userName } from "../../audit/actor.ts";
import type { Consumer } from "../../batch/consumer.ts";
import { type AcceptedLoss, acceptLoss } from "../../batch/run/accept-loss.ts";
import { type Consumed, type ConsumeProgress, consume } from "../../batch/run/consume.ts";
import { openLandingServices } from "../../batch/run/landing-services.ts";
import type { Tally } from "../../batch/tally.ts";
import { TradetapeError } from "../../errors.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { oneLine } from "../flags.ts";
import { table } from "../output.ts";
import type { Bar, Progress } from "../progress.ts";
import { serveLanding } from "./serve-landing.ts";
import { openForService } from "./service-start.ts";

interface ConsumeOptions {
  readonly untilCaughtUp?: boolean;
  readonly failFast?: boolean;
  readonly acceptLoss?: string;
  readonly reason?: string;
}

export const consumeCommand: CommandSpec<ConsumeOptions> = {
  name: "consume",
  summary: "land what the topics hold in the database: all topics, or those named",
  examples: [
    "tradetape consume                            until Ctrl-C",
    "tradetape consume --until-caught-up          what is there now, then end",
    "tradetape consume ticks bars                 two groups only",
    "tradetape consume ticks --accept-loss ticks/2:100..250 --reason 'retention was too short'",
  ],
  isService: true,
  runsOn: ({ untilCaughtUp = false }) => !untilCaughtUp,
  isServed: true,
  declare: (command) => {
    command.argument("[topic...]", `of ${CONSUMERS.map(({ topic }) => topic).join(", ")}`);
    command.option("--until-caught-up", "end when what the topics hold now has landed");
    command.option("--fail-fast", "end when one group stops, and where a service is away at the start");
    command.option("--accept-loss <range>", "TOPIC/PARTITION:FROM..TO is gone from the log: go on behind it, audited");
    command.option("--reason <text>", "why the loss is accepted");
  },
  run: async (session, topics, options) => {
    const { out, progress, signal, force, served } = session;
    const consumers = pickConsumers(topics);
    const { untilCaughtUp = false, failFast = false } = options;
    const loss = lossOf(options);
    const open = () => openLandingServices(session.config, session.log);
    const services = await openForService(session, !untilCaughtUp && !failFast, open);
    if (services === undefined) return EXIT.good;
    const bars = topicBars(progress);
    const showing = served && serveLanding(served, services, consumers);
    const onProgress = (now: readonly ConsumeProgress[]) => {
      bars.show(now);
      showing?.show(now);
    };
    let consumed: Consumed;
    try {
      if (loss) await acceptLoss(services, loss);
      if (!untilCaughtUp) progress.line(`consuming ${consumers.map(({ topic }) => topic).join(", ")}; Ctrl-C stops it`);
      const how = { untilCaughtUp, failFast, stop: signal, force, onProgress };
      consumed = await consume({ ...services, meter: served?.meters.landed }, consumers, how);
    } finally {
      bars.end();
      showing?.end();
      await services.close();
    }
    progress.close();
    const { tallies, failure } = consumed;
    out.result(tallies, () => talliesText(tallies));
    // Without an end of its own, a signal is how it is meant to stop, whatever its groups were doing.
    if (!untilCaughtUp && signal.aborted) return EXIT.good;
    if (failure) throw failure;
    return untilCaughtUp && signal.aborted ? EXIT.interrupted : EXIT.good;
  },
};

const LOSS = /^([a-z-]+)\/(\d+):(\d+)\.\.(\d+)$/;

/** @throws TradetapeError input_invalid for a range that isn't one, or comes without its reason */
function lossOf({ acceptLoss: range, reason }: ConsumeOptions): AcceptedLoss | undefined {
  if (range === undefined && reason === undefined) return undefined;
  const [, topic, partition, from, to] = LOSS.exec(range ?? "") ?? [];
  if (topic === undefined || Number(to) <= Number(from) || !reason) {
    throw new TradetapeError("input_invalid", "--accept-loss takes TOPIC/PARTITION:FROM..TO, and --reason says why", {
      next: "As in --accept-loss ticks/2:100..250 --reason 'retention was too short'.",
    });
  }
  const [consumer] = pickConsumers([topic]);
  const at = { partition: Number(partition), from: Number(from), to: Number(to) };
  return { topic: consumer!.topic, ...at, reason: oneLine("--reason", reason), osUser: userName() };
}

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

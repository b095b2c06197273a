import { type Redriven, type RedriveOptions, redrive } from "../../src/dead-letter/redrive.ts";
import { openLog } from "../../src/log.ts";
import { type Ops, openOps } from "../../src/operator/ops.ts";
import { openKafka } from "../../src/topic/kafkajs/open-kafka.ts";
import { RawPublisher } from "../../src/topic/publish/raw-publish.ts";
import type { TestTape } from "./tape.ts";

/** Somebody who acts on letters, with a session and a publisher of their own for as long as `act` runs. */
export async function asOps<R>(tape: TestTape, act: (ops: Ops, publisher: RawPublisher) => Promise<R>): Promise<R> {
  const ops = await openOps(tape.config, { name: "dead letters", role: "tradetape_ops" });
  const publisher = await RawPublisher.open(openKafka(tape.config, openLog(tape.config)));
  try {
    return await act(ops, publisher);
  } finally {
    await publisher.close();
    await ops.close();
  }
}

const EVERYTHING = {
  attemptsMax: 3,
  lettersMax: Number.POSITIVE_INFINITY,
  perSecondMax: undefined,
  stop: new AbortController().signal,
};

/** Redrives a test's letters; without options all of these topics'. */
export const redriveAll = (
  tape: TestTape,
  filter: RedriveOptions["filter"],
  options: Partial<RedriveOptions> = {},
): Promise<readonly Redriven[]> =>
  asOps(tape, (ops, publisher) => redrive(ops, publisher, tape, { ...EVERYTHING, ...options, filter }));

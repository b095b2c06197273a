import { TradetapeError } from "../../errors.ts";
import type { Connection } from "../../table/connection.ts";
import { type AllowedLetters, allowedLetters } from "../../table/letters/allowed-letters.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import type { LandingPlan } from "./landing-plan.ts";
import { type BadEvent, type BreakerSample, badEvent, lessAllowed } from "./letter-breaker.ts";
import { kindsText, LetterDigest } from "./letter-digest.ts";

type Lettered = Pick<EncodedBatch, "partition" | "records">;

/**
 * Judges a batch that trips the breaker by what people have allowed since: the database is asked within the landing's
 * transaction, so that an answer holds from the next try on.
 * @returns what is to be noted of the batch
 * @throws TradetapeError too_many_letters
 */
export async function judgeLetters(
  connection: Connection,
  plan: LandingPlan,
  batch: Lettered,
  sample: BreakerSample,
  letters: readonly Letter[],
): Promise<BreakerSample> {
  const isAllowed = await readAllowed(connection, plan);
  plan.breaker.forget(isAllowed);
  const left = lessAllowed(sample, isAllowed);
  const window = plan.breaker.trips(left);
  if (window === undefined) return left;
  const shown = letters.filter((letter) => !isAllowed(badEvent(batch, letter)));
  throw tooManyLetters(plan, batch, shown, `${window.letters} of the last ${window.records} events are letters`);
}

/** @returns whether somebody has allowed an event to become a letter */
export async function readAllowed(
  connection: Connection,
  { topicName }: LandingPlan,
): Promise<(event: BadEvent) => boolean> {
  const allowed = await allowedLetters(connection, topicName);
  return (event) => allowed.some((one) => isOf(one, event));
}

function isOf(allowed: AllowedLetters, { partition, offset, schemaId }: BadEvent): boolean {
  if (allowed.schemaId !== null) return schemaId === allowed.schemaId;
  return allowed.partition === partition && allowed.fromOffset <= offset && offset < allowed.nextOffset;
}

/** The stop, with the letters of the batch that is rolled back, and each way out as a command. */
export function tooManyLetters(
  { topicName, consumer: { topic } }: LandingPlan,
  batch: Lettered,
  letters: readonly Letter[],
  what: string,
): TradetapeError {
  const digest = new LetterDigest(topicName);
  digest.add(batch, letters);
  const { kinds, schemaId } = digest;
  const because = `--reason-text "looked at" --yes`;
  const ways = [
    "The last batch was rolled back, nothing is lost, and the group tries again by itself.",
    `See what would become of all that waits: \`tradetape dead-letters preview ${topic}\`. Then one of these:`,
    "- Mend the cause, such as the table, a missing parent or the registry: the group goes on by itself.",
    "- Mend what writes the events, and let what waits of them become letters, audited: " +
      `\`tradetape dead-letters set-aside ${topic} ${because}\`.`,
  ];
  if (schemaId !== undefined) {
    ways.push(
      `- Let those of schema ${schemaId} become letters from now on, audited, where their writer can't be mended: ` +
        `\`tradetape dead-letters skip-schema ${topic} ${schemaId} ${because}\`.`,
    );
  }
  const message = `${topicName}: ${what}; of the last batch:\n${kindsText(kinds)}`;
  return new TradetapeError("too_many_letters", message, { next: ways.join("\n"), facts: { letters: kinds } });
}

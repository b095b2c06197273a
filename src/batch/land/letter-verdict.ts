import { count, isRefusal, TradetapeError } from "../../errors.ts";
import type { SchemaLetters } from "../../table/checks/group-states.ts";
import type { Connection } from "../../table/connection.ts";
import { type AllowedLetters, allowedLetters } from "../../table/letters/allowed-letters.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import type { LandingPlan } from "./landing-plan.ts";
import { type BadEvent, type BreakerSample, badEvent, lessAllowed } from "./letter-breaker.ts";
import { kindsText, LetterDigest, schemasOf } from "./letter-digest.ts";

type Lettered = Pick<EncodedBatch, "partition" | "records">;

/**
 * Judges a batch that trips the breaker by what people have allowed since: the database is asked within the landing's
 * transaction, so that an answer holds from the next try on.
 * @returns what is to be noted of the batch
 * @throws LetterStop
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
  const what = `${count(window.letters)} of the last ${count(window.records)} events are letters`;
  throw new LetterStop(() => tooManyLetters(plan, batch, shown, what));
}

/**
 * The letters of a batch stop their group. Thrown within the landing's transaction; `told` asks the registry, so it is called
 * when that is rolled back and no lock is held any more.
 */
export class LetterStop extends Error {
  readonly told: () => Promise<TradetapeError>;

  constructor(told: () => Promise<TradetapeError>) {
    super("too many letters");
    this.told = told;
  }
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
export async function tooManyLetters(
  plan: LandingPlan,
  batch: Lettered,
  letters: readonly Letter[],
  what: string,
): Promise<TradetapeError> {
  const { topicName, consumer } = plan;
  const { topic } = consumer;
  const digest = new LetterDigest(topicName);
  digest.add(batch, letters);
  const { kinds } = digest;
  const ways = async () => [
    `See what would become of all that waits: \`tradetape dead-letters preview ${topic}\`. Then one of these:`,
    ...answersText(topic, schemasOf(kinds), await schemasOfStop(plan)),
  ];
  const next = [
    "The last batch was rolled back, and nothing is lost.",
    ...(plan.publishes ? await ways() : [OF_A_REPLAY]),
  ].join("\n");
  const message = `${topicName}: ${what}; of the last batch:\n${kindsText(kinds)}`;
  return new TradetapeError("too_many_letters", message, { next, facts: { letters: kinds } });
}

/** The answers are kept in the live database, and a replay fills another one. */
const OF_A_REPLAY =
  "Mend the cause, such as the table or the registry. Where these are letters in the live database, too, start the same " +
  "`tradetape replay` again with TRADETAPE_LETTER_SHARE_MAX=1 in its environment: it goes on where it stopped, and what can't " +
  "land becomes letters, however many.";

/**
 * Which schemas are the topic's own: this program's, which its writers have, and the newest of its subject, which writers of a
 * later version have.
 * @throws TradetapeError registry_unreachable, canRetry
 */
export async function ownSchemas({
  encoder,
  newestSchema,
}: Pick<LandingPlan, "encoder" | "newestSchema">): Promise<(schemaId: number) => boolean> {
  const newest = await newestSchema();
  return (schemaId) => schemaId === newest || encoder.reader.isOwn(schemaId);
}

/** Whether a schema is the topic's own; undefined where nobody could be asked. */
type OwnSchema = (schemaId: number) => boolean | undefined;

/** The stop is told whether or not the registry answers: without an answer, any schema but this program's may be the topic's. */
async function schemasOfStop(plan: LandingPlan): Promise<OwnSchema> {
  try {
    return await ownSchemas(plan);
  } catch (error) {
    if (!(isRefusal(error) || (error instanceof TradetapeError && error.code === "registry_unreachable"))) throw error;
    return (schemaId) => plan.encoder.reader.isOwn(schemaId) || undefined;
  }
}

/** So many schemas have a command each; `preview` has the others. */
const SKIPS_MAX = 3;
/** How a command that is shown says why and that it is meant. */
export const BECAUSE = `--reason-text "looked at" --yes`;

/**
 * The answers to letters, each as a command that can be typed as it stands.
 * @param topic the short name or the full one
 * @param schemas those that the letters name
 */
export function answersText(topic: string, schemas: readonly SchemaLetters[], isOwn: OwnSchema): readonly string[] {
  const named = schemas.flatMap(({ schemaId, letters }) => (schemaId === null ? [] : [{ schemaId, letters }]));
  return [
    "- Mend the cause, such as the table, a missing parent or the registry.",
    "- Mend what writes the events, and let what waits of them become letters, audited: " +
      `\`tradetape dead-letters set-aside ${topic} ${BECAUSE}\`.`,
    ...named.slice(0, SKIPS_MAX).map((schema) => skipText(topic, schema, isOwn(schema.schemaId))),
    ...(named.length === 0 ? ["- No schema can be skipped, because none of the letters names one."] : []),
    ...(named.length > SKIPS_MAX ? [`- Or skip another schema likewise: ${othersText(named.slice(SKIPS_MAX))}.`] : []),
  ];
}

type NamedSchema = SchemaLetters & { readonly schemaId: number };

function skipText(topic: string, { schemaId, letters }: NamedSchema, isOwn: boolean | undefined): string {
  const command = (word: string) => `\`tradetape dead-letters skip-schema ${topic} ${schemaId}${word} ${BECAUSE}\``;
  const what = `schema ${schemaId} (${count(letters)} of these letters)`;
  return isOwn
    ? `- Let what any writer of the topic writes badly become letters from now on, because ${what} is the topic's own, ` +
        `audited: ${command(" --every-writer")}.`
    : `- Let events of ${what} become letters from now on, where their writer can't be mended, audited: ${command("")}.` +
        (isOwn === undefined ? NOT_ASKED : "");
}

const NOT_ASKED =
  " The registry couldn't be asked whether that schema is the topic's own: the command asks it, and says then what it needs.";

const othersText = (schemas: readonly NamedSchema[]): string =>
  schemas.map(({ schemaId, letters }) => `${schemaId} (${count(letters)})`).join(", ");

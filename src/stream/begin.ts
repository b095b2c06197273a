import { TradetapeError } from "../errors.ts";
import type { EventTopic } from "../event/schemas.ts";
import type { Log } from "../log.ts";
import type { LogAdmin } from "../topic/log-client.ts";
import type { Mark, TopicPartition } from "../topic/offsets.ts";
import type { Input } from "./inputs.ts";
import type { Program, SnapshotTerms } from "./program.ts";
import { SNAPSHOT_FORMAT, type SnapshotHead, settingsDigest, unpackSnapshot } from "./snapshot.ts";
import type { FoundSnapshot, Slot } from "./snapshot-shelf.ts";

/** What is known of a partition before a program reads it. */
export interface InputPlace extends TopicPartition {
  readonly topic: EventTopic;
  /** Where a run before this one was. */
  readonly mark: Mark | undefined;
  readonly low: number;
  readonly high: number;
}

/** Where a run begins. */
interface Begin {
  readonly inputs: readonly Input[];
  /** What the program's state is taken from; undefined where it begins with none. */
  readonly snapshot: { readonly slot: Slot; readonly state: unknown } | undefined;
  /** The time by which the run before was last idle, where that was behind the last record that the marks cover. */
  readonly idleUs: number | undefined;
}

/** A partition's name in a snapshot: without the namespace, which the topic of snapshots has, too. */
export const inputName = ({ topic, partition }: Pick<InputPlace, "topic" | "partition">): string =>
  `${topic}/${partition}`;

/** Asks for the partitions of topics, and where the runs of a group have marked them. */
export async function loadPlaces(
  admin: LogAdmin,
  groupId: string,
  topics: readonly { readonly topic: EventTopic; readonly topicName: string }[],
): Promise<InputPlace[]> {
  const places: InputPlace[] = [];
  for (const { topic, topicName } of topics) {
    const marks = new Map((await admin.fetchMarks(groupId, topicName)).map((mark) => [mark.partition, mark]));
    for (const { partition, low, high } of await admin.fetchOffsets(topicName)) {
      places.push({ topic, topicName, partition, mark: marks.get(partition), low, high });
    }
  }
  return places;
}

/**
 * Where a run begins: with the newest snapshot that fits the program and the logs; without one, where the marks' notes say.
 * Each snapshot that doesn't fit is a line of the log that says why.
 * @param found newest first
 * @throws TradetapeError state_lost where a log's beginning is gone that nothing stands for
 */
export async function beginOf(
  program: Program,
  places: readonly InputPlace[],
  found: readonly FoundSnapshot[],
  log: Log,
): Promise<Begin> {
  const objections: string[] = [];
  for (const one of program.snapshot === null ? [] : found) {
    const { head } = one;
    const unpacked = head?.format === SNAPSHOT_FORMAT ? await unpackSnapshot(head, one.parts) : undefined;
    const objection = objectionTo(head, unpacked !== undefined, program.snapshot!, places);
    if (head !== undefined && unpacked !== undefined && objection === null) {
      const inputs = places.map((place) => resumed(place, head.inputs[inputName(place)] ?? 0));
      return { inputs, snapshot: { slot: one.slot, state: unpacked.state }, idleUs: undefined };
    }
    const text = `the snapshot at offset ${one.offset} of the topic of snapshots is not used: ${objection}`;
    log.warn({ program: program.name }, text);
    objections.push(text);
  }
  const inputs = places.map((place) => resumed(place));
  if (program.snapshot !== null) requireWhole(program, inputs, objections);
  return { inputs, snapshot: undefined, idleUs: idleOf(places) };
}

/** A mark beyond the log's end belongs to another log of this name. */
const valid = (mark: Mark | undefined, high: number): Mark | undefined =>
  mark !== undefined && mark.offset <= high ? mark : undefined;

/** What the marks' notes agree on. */
function idleOf(places: readonly InputPlace[]): number | undefined {
  const marks = places.flatMap(({ mark, high }) => valid(mark, high) ?? []);
  const [time, ...others] = new Set(marks.map(({ note }) => note.split(" ")[1]));
  return time === undefined || others.length > 0 ? undefined : Number(time);
}

/** What speaks against a snapshot; null is nothing. */
function objectionTo(
  head: SnapshotHead | undefined,
  isWhole: boolean,
  terms: SnapshotTerms,
  places: readonly InputPlace[],
): string | null {
  if (head === undefined) return "it is damaged, since its head can't be read";
  if (head.format !== SNAPSHOT_FORMAT) return `it is of format ${head.format}, this program reads ${SNAPSHOT_FORMAT}`;
  if (!isWhole) return "it is damaged: its SHA-256 is not the one that it names, or it holds no state";
  if (head.version !== terms.version) return `version ${head.version} of the program made it, this is ${terms.version}`;
  if (head.settings !== settingsDigest(terms)) return "it was made with other settings of the program";
  for (const [name, offset] of Object.entries(head.inputs)) {
    const place = places.find((one) => inputName(one) === name);
    if (place === undefined) return `it covers ${name}, which isn't there`;
    if (offset > place.high) return `it covers ${name} up to offset ${offset}, and that log ends at ${place.high}`;
  }
  for (const place of places) {
    const offset = head.inputs[inputName(place)] ?? 0;
    if (offset < place.low)
      return `it covers ${inputName(place)} up to offset ${offset}, and that log begins at ${place.low}`;
  }
  return null;
}

/**
 * Where a program resumes a partition. Where a mark isn't `valid` all records are new. If retention has removed the first
 * records that a restart needs, `isWhole` is false.
 * @param covered the offset of the first record that a snapshot doesn't cover; without one the mark's note counts
 */
export function resumePoint(
  mark: Mark | undefined,
  low: number,
  high: number,
  covered?: number,
): Omit<Input, keyof TopicPartition | "topic"> {
  const known = valid(mark, high);
  const wanted = covered ?? (known === undefined ? 0 : Number.parseInt(known.note, 10));
  const next = Math.max(low, wanted);
  const done = Math.max(next, known?.offset ?? 0);
  return { next, done, isWhole: next === wanted, end: high, lastEnd: undefined, isPaused: false };
}

const resumed = ({ topic, topicName, partition, mark, low, high }: InputPlace, covered?: number): Input => ({
  topic,
  topicName,
  partition,
  ...resumePoint(mark, low, high, covered),
});

function requireWhole(program: Program, inputs: readonly Input[], objections: readonly string[]): void {
  const cut = inputs.filter(({ isWhole }) => !isWhole);
  if (cut.length === 0) return;
  const gone = cut.map(({ topicName, partition, next }) => `${topicName}/${partition} 0..${next - 1}`).join(", ");
  const none = objections.length === 0 ? "there is no snapshot of its state" : objections.join("; ");
  const message =
    `${program.name} would compute on what is left of its topics: gone are the offsets ${gone}, and ${none}. ` +
    "Nothing was published.";
  throw new TradetapeError("state_lost", message, { next: WAY_OUT });
}

const WAY_OUT =
  "Where a snapshot was made with other settings or by another version, run with those. Otherwise publish what the topics " +
  'held again under another TRADETAPE_NAMESPACE, and run there: docs/operations.md has the steps under "A log whose ' +
  'beginning is gone".';

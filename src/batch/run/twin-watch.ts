import { pause } from "../../clock.ts";
import { TradetapeError } from "../../errors.ts";
import type { EventTopic } from "../../event/schemas.ts";
import { type BeatAnswer, beat, forgetBeats } from "../../table/beats.ts";
import { hasOtherId, recordTwin } from "../../table/whose-database.ts";
import { topicName } from "../../topic/topics.ts";
import { Patience, judge as verdictOn } from "../patience.ts";
import { type BeatNote, beatNoteOf, beatNoteText } from "./beat-note.ts";
import type { LandingServices } from "./landing-services.ts";
import { liveGroupId } from "./open-group.ts";
import { CLOCKS_APART_MS, standsBack, TwinJudge } from "./twin-judge.ts";

const BEAT_MS = 3000;
/** Reading all groups' notes costs more than a beat, and nothing is lost meanwhile. */
const BEATS_PER_LOOK = 3;
const LOOK_AT_START_MS = 1000;
/** A process that shows no new beat for so long has ended, or can't reach its database: it lands nothing. */
const STILL_MS = 4 * BEAT_MS;
const TELL_AGAIN_MS = 60_000;

type Services = Pick<LandingServices, "clock" | "log" | "questions" | "beats" | "admin" | "config" | "databaseId">;

/**
 * Keeps a copy of a database out of the consumer groups of those who land in the original: before it joins them, so that nobody
 * there notices. docs/internals/landing.md, "Two databases with one id", tells what is seen and done in each case.
 * @throws TradetapeError database_copied
 */
export async function requireAlone(
  services: Services,
  topics: readonly EventTopic[],
  stop: AbortSignal,
): Promise<void> {
  const { clock, log, questions } = services;
  const patience = new Patience(log, stop, clock);
  const insist = <R>(attempt: () => Promise<R>) =>
    patience.insist("looking whether another database has this one's id", attempt, (error) =>
      verdictOn(error, "beats"),
    );
  const look = new TwinJudge();
  let seen = "";
  let seenMs = 0;
  try {
    await insist(() => questions.use(forgetBeats));
    for (;;) {
      const answer = await insist(() => lookOnce(services, topics, look));
      const { lacking, undecided, twin } = look;
      const over = idEnded(services, answer);
      if (over !== undefined) throw over;
      if (answer.hasTwin) throw await insist(() => askWhose(services));
      if (lacking.length + undecided.length === 0) return;
      if (twin !== undefined) {
        // Whoever joins those that land here decides as they do, so that a restart of one of them doesn't stop the others.
        if (look.isAccompanied && !standsBack({ ...answer, process: services.beats.process }, twin)) return;
        throw await insist(() => askWhose(services, twin));
      }
      const now = [...lacking.map(({ note }) => note), ...undecided].map(shownBy).join();
      if (seen === "") log.warn(lacking.length > 0 ? LACKS : MAY_LACK);
      if (now !== seen) seenMs = clock.now();
      if (clock.now() - seenMs >= STILL_MS) break;
      seen = now;
      await clock.sleep(LOOK_AT_START_MS, stop);
    }
    if (look.isAccompanied || look.lacking.length === 0) return;
    const refusal = await insist(() => lackingAlone(services, look));
    if (refusal !== undefined) throw refusal;
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

/**
 * Nobody lands any more by whose beats our database was found to lack something. A failover and a recovery up to some moment
 * begin a new timeline; on the same one it is a snapshot, whose original may be stopped for a moment only. Where somebody has
 * said since that it is the original now, nothing is asked again.
 */
async function lackingAlone(services: Services, look: TwinJudge): Promise<TradetapeError | undefined> {
  const answer = await lookOnce(services, [], look);
  const notes = look.lacking.map(({ note }) => note);
  const unsettled = notes.filter(({ atMs }) => atMs > answer.settledMs + CLOCKS_APART_MS);
  const twin = unsettled.find(({ timeline }) => timeline === answer.timeline);
  if (twin !== undefined) return askWhose(services, twin);
  services.log.warn("nobody lands there any more: going on, and landing anew what this database lacks");
  return undefined;
}

/**
 * Beats, shows the beats to the groups' other members, and looks for members that land in another database, until `over` is
 * aborted. Of two databases one stands back, and the other goes on; until then it lacks the partitions that the other has.
 * @throws TradetapeError database_copied where ours stands back
 */
export async function watchTwins(services: Services, topics: readonly EventTopic[], over: AbortSignal): Promise<void> {
  const { clock, log, beats } = services;
  const look = new TwinJudge();
  let toldMs = Number.NEGATIVE_INFINITY;
  const turn = async (looks: boolean): Promise<TradetapeError | undefined> => {
    const answer = await lookOnce(services, looks ? topics : [], look);
    const { twin } = look;
    const ended = idEnded(services, answer);
    if (ended !== undefined) return ended;
    if (answer.hasTwin) return askWhose(services);
    if (twin && standsBack({ ...answer, process: beats.process }, twin)) return askWhose(services, twin);
    beats.twin = twin && (beats.twin ?? { reason: ANOTHER, since: new Date() });
    if (twin === undefined) return undefined;
    if (clock.now() - toldMs < TELL_AGAIN_MS) return undefined;
    toldMs = clock.now();
    log.error({ process: twin.process }, ANOTHER);
    return undefined;
  };
  const patience = new Patience(log, over, clock);
  try {
    for (let n = 0; !over.aborted; n++) {
      const refusal = await patience.insist(
        "showing others that this database is landed in",
        () => turn(n % BEATS_PER_LOOK === 0),
        (error) => verdictOn(error, "beats"),
      );
      if (refusal !== undefined) throw refusal;
      await pause(BEAT_MS, over, clock);
    }
  } catch (error) {
    if (!over.aborted) throw error;
  }
}

const LACKS = "the database lacks what was committed under its id: waiting whether others land there";
const MAY_LACK =
  "others land under the database's id, and not in it since its server started: waiting for their next beat";
const ANOTHER =
  "another database has this one's id and lands some partitions of its consumer groups: it has to stand back, and until " +
  "then their events wait. If it doesn't within a minute, run `tradetape migrate --as copy` there, which ends what lands there";

/** Reads the notes first, beats then, and shows the beat only when that has committed: `TwinJudge` relies on it. */
async function lookOnce(services: Services, topics: readonly EventTopic[], look: TwinJudge): Promise<BeatAnswer> {
  const { beats, questions } = services;
  const notes = (await Promise.all(topics.map((topic) => notesOf(services, topic)))).flat();
  const others = [...new Set(notes.map(({ process }) => process))];
  const number = beats.number + 1;
  const answer = await questions.use((connection) => beat(connection, beats.process, number, others));
  beats.number = number;
  beats.note = beatNoteText({ ...answer, process: beats.process, number });
  if (topics.length > 0) look.look(notes, answer);
  return answer;
}

const shownBy = ({ process, number }: BeatNote): string => `${process} ${number}`;

/** Why a process ends whose database was said to be a copy meanwhile: it would stay in the groups of the original. */
function idEnded({ config, databaseId }: Services, answer: BeatAnswer): TradetapeError | undefined {
  if (answer.databaseId === databaseId) return undefined;
  return hasOtherId(config.databaseUrl, answer.databaseId, databaseId);
}

/** What other processes show in a topic's group. */
async function notesOf(
  { admin, config, databaseId, beats }: Services,
  topic: EventTopic,
): Promise<readonly BeatNote[]> {
  const name = topicName(config.namespace, topic);
  try {
    const marks = await admin.fetchMarks(liveGroupId(name, databaseId), name);
    const notes = marks.flatMap(({ note }) => beatNoteOf(note) ?? []);
    return notes.filter(({ process }) => process !== beats.process);
  } catch (error) {
    // What keeps the notes from being read, such as a missing topic, stops the topic's group, and is told of that.
    if (error instanceof TradetapeError && !error.canRetry) return [];
    throw error;
  }
}

/** Has everything of this database stop until somebody has answered whose it is. @returns the question */
async function askWhose({ questions, config, log }: Services, twin?: BeatNote): Promise<TradetapeError> {
  const at = twin && { process: twin.process, lastSeen: new Date(twin.atMs).toISOString() };
  if (at !== undefined) log.error(at, "a process lands under this database's id, and not in this database");
  return questions.use((connection) => recordTwin(connection, config.databaseUrl));
}

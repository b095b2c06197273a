import { describe, expect, it, test } from "vitest";
import { type BeatNote, beatNoteOf, beatNoteText } from "../../../src/batch/run/beat-note.ts";
import { standsBack, TwinJudge } from "../../../src/batch/run/twin-judge.ts";
import type { BeatAnswer } from "../../../src/table/beats.ts";
import { openDice } from "../../chaos/dice.ts";

const OURS = "0000000a";
const THEIRS = "0000000b";

const note = (number: number, more: Partial<BeatNote> = {}): BeatNote => ({
  process: THEIRS,
  number,
  atMs: 1_000_000,
  sinceMs: 1000,
  timeline: "00000001",
  ...more,
});

const answer = (known: number, more: Partial<BeatAnswer> = {}): BeatAnswer => ({
  databaseId: "the-id",
  atMs: 1_000_000,
  timeline: "00000001",
  sinceMs: 2000,
  settledMs: 0,
  hasTwin: false,
  known: { [THEIRS]: known },
  beatHere: [THEIRS],
  ...more,
});

describe("a beat's note", () => {
  it.each([note(17), note(1, { timeline: "0000002A" })])("is read as it was written: %o", (one) => {
    expect(beatNoteOf(beatNoteText(one))).toEqual(one);
  });

  it.each(["", "from 3", "beat x of 0000000b at 1 since 1 on 00000001", `${beatNoteText(note(1))} more`])(
    "isn't what others write: %j",
    (text) => expect(beatNoteOf(text)).toBeUndefined(),
  );
});

/** Looks one after the other: the beats that are shown, and the last one that our database knows. */
const SEEN: readonly (readonly [what: string, looks: readonly (readonly [BeatNote[], number])[], twin: boolean])[] = [
  ["nobody else", [[[], 0]], false],
  ["a member that beats here", [1, 2, 3, 4, 5].map((n) => [[note(n)], n]), false],
  ["a member that can't reach its database, or is gone", [5, 5, 5, 5, 5].map((n) => [[note(n)], n]), false],
  [
    "a failover took back the last beat, and its process goes on",
    [
      [[note(5)], 5],
      [[note(6)], 5],
      [[note(7, { timeline: "00000002" })], 7],
    ],
    false,
  ],
  [
    "it took back the one that was shown, and the one that came next",
    [
      [[note(5)], 4],
      [[note(6)], 4],
      [[note(6)], 4],
      [[note(7, { timeline: "00000002" })], 7],
    ],
    false,
  ],
  [
    "two failovers, one soon after the other",
    [
      [[note(5)], 4],
      [[note(6)], 4],
      [[note(7, { timeline: "00000002" })], 4],
      [[note(8, { timeline: "00000002" })], 4],
      [[note(9, { timeline: "00000003" })], 9],
    ],
    false,
  ],
  ["a process that ended before a backup was restored", [5, 5, 5, 5].map((n) => [[note(n)], 2]), false],
  ["a note of long ago", [1, 2, 3, 4].map((n) => [[note(n, { atMs: 1_000_000 - 30 * 86_400_000 })], 0]), false],
  ["three newer beats that our database lacks", [6, 8, 9].map((n) => [[note(n)], 5]), true],
  ["the same on the other partitions of the group", [6, 8, 9].map((n) => [[note(3), note(n)], 5]), true],
  ["a process that our database has never heard of", [1, 2, 3].map((n) => [[note(n)], 0]), true],
];

test.each(SEEN)("%s", (_, looks, isTwin) => {
  const judge = new TwinJudge();
  const found = looks.map(([notes, known]) => {
    judge.look(notes, answer(known));
    return judge.twin !== undefined;
  });
  expect(found.includes(true)).toBe(isTwin);
});

test("a member that has left is forgotten, so that what it showed before counts no more when it is back", () => {
  const judge = new TwinJudge();
  for (const n of [6, 7]) judge.look([note(n)], answer(5));
  judge.look([], answer(5));
  judge.look([note(8)], answer(5));
  expect(judge.twin).toBeUndefined();
  expect(judge.lacking).toEqual([{ note: note(8), beats: 1 }]);
});

describe("of two databases under one id", () => {
  const side = (process: string, sinceMs: number) => ({ process, sinceMs });
  it.each([
    ["the one in which landing began later", side(OURS, 2), side(THEIRS, 1)],
    ["and of two that began at one moment one", side(THEIRS, 1), side(OURS, 1)],
  ])("one stands back: %s", (_, back, stays) => {
    expect([standsBack(back, stays), standsBack(stays, back)]).toEqual([true, false]);
  });
});

test.each<[what: string, is: boolean, ...BeatNote[]]>([
  ["nobody", false],
  ["a process that beats in our database", true, note(5)],
  ["one that beats there, beside another database's", true, note(5), note(9, { process: "0000000c" })],
  ["a process that ended before", false, note(5, { atMs: 900_000 })],
  ["another database's", false, note(6)],
])("a process is accompanied by those who land in its database: %s", (_, is, ...notes) => {
  const judge = new TwinJudge();
  judge.look(notes, answer(5));
  expect(judge.isAccompanied).toBe(is);
});

test.each<[what: string, undecided: number, beatHere: string[], ...BeatNote[]]>([
  ["nobody is there", 0, []],
  ["it has beaten since the server started", 0, [THEIRS], note(5)],
  ["it has not: its beats may have come in a snapshot of the disk, or to a standby", 1, [], note(5)],
  ["it ended before the last five minutes", 0, [], note(5, { atMs: 600_000 })],
  ["the database lacks its beat", 0, [], note(6)],
])("whether a process that the database knows lands in it: %s", (_, undecided, beatHere, ...notes) => {
  const judge = new TwinJudge();
  judge.look(notes, answer(5, { beatHere }));
  expect(judge.undecided).toHaveLength(undecided);
  expect(judge.isAccompanied).toBe(beatHere.length > 0);
});

/** One member of a group: its last beat that committed, and the one that it shows. */
interface Member {
  number: number;
  shown: BeatNote | undefined;
  next: BeatNote | undefined;
  /** Frozen, cut off from its database or from Kafka until this second. */
  frozenUntil: number;
}

/** An hour of a group whose members die, freeze and are cut off, while the database fails over and loses commits. */
function anHour(seed: number, isTwin: boolean): { readonly found: number | undefined; readonly failovers: number } {
  const dice = openDice(seed);
  const judge = new TwinJudge();
  let commits: { readonly at: number; readonly process: string; readonly number: number }[] = [];
  let known: Record<string, number> = {};
  let timeline = 1;
  let failovers = 0;
  const members = new Map<string, Member>();
  const join = (name: number) =>
    members.set(name.toString(16).padStart(8, "0"), { number: 0, shown: undefined, next: undefined, frozenUntil: 0 });
  let names = 3;
  for (let n = 1; n <= names; n++) join(n);
  for (let now = 0; now < 3600; now++) {
    for (const [process, member] of members) {
      if (now < member.frozenUntil) continue;
      if (dice.happens(0.01)) member.frozenUntil = now + dice.between(1, 120);
      // A hint is written now and then only; until then the next beat takes the note's place.
      if (dice.happens(0.7)) member.shown = member.next ?? member.shown;
      if (now % 3 !== 0) continue;
      member.number++;
      if (!isTwin) {
        commits.push({ at: now, process, number: member.number });
        known[process] = member.number;
      }
      const at = { atMs: now * 1000, timeline: (isTwin ? 1 : timeline).toString(16).padStart(8, "0").toUpperCase() };
      member.next = note(member.number, { process, ...at });
      if (!dice.happens(0.002)) continue;
      members.delete(process);
      join(++names);
    }
    if (dice.happens(0.002)) {
      const lostFrom = now - dice.between(0, 30);
      commits = commits.filter(({ at }) => at < lostFrom);
      known = Object.fromEntries(commits.map(({ process, number }) => [process, number]));
      timeline++;
      failovers++;
    }
    if (now % 9 !== 0) continue;
    const notes = [...members.values()].flatMap(({ shown }) => shown ?? []);
    judge.look(notes, answer(0, { known, atMs: now * 1000 }));
    if (judge.twin !== undefined) return { found: now, failovers };
  }
  return { found: undefined, failovers };
}

test("in 500 hours of faults no member of ours is taken for another database's", () => {
  const hours = Array.from({ length: 500 }, (_, seed) => anHour(seed, false));
  expect(hours.filter(({ found }) => found !== undefined)).toEqual([]);
  expect(hours.reduce((sum, { failovers }) => sum + failovers, 0)).toBeGreaterThan(1000);
});

test("in 500 hours of faults the members of another database are found within three minutes", () => {
  const hours = Array.from({ length: 500 }, (_, seed) => anHour(seed, true));
  expect(Math.max(...hours.map(({ found }) => found ?? Number.POSITIVE_INFINITY))).toBeLessThan(180);
});

import pg from "pg";
import { CONSUMERS } from "../../consumers/all.ts";
import { OWN_ID } from "../../src/event/identity.ts";
import type { EventTopic } from "../../src/event/schemas.ts";
import { contentFields, contentOf, digestOf, readJournal } from "./journal.ts";

/** What the journals say of one event. */
interface Expected {
  /** By revision, what its content is. */
  readonly contents: Map<number, string>;
  /** The greatest revision that was acknowledged; undefined while none was. */
  acked: number | undefined;
  orphan: boolean;
  rows: number;
  place: "nowhere" | "row" | "letter" | "parked";
}

interface Poisoned {
  acked: boolean;
  letters: number;
}

export interface Expectations {
  readonly events: ReadonlyMap<EventTopic, Map<string, Expected>>;
  readonly poison: Map<string, Poisoned>;
}

/** What a run came to, by content. Every list but the counts must be empty. */
export interface Verdict {
  readonly acknowledged: number;
  readonly poisoned: number;
  readonly rows: number;
  readonly letters: Readonly<Record<string, number>>;
  readonly parked: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Rows or letters that nobody published, or of other content than was published. */
  readonly wrong: readonly string[];
}

const WRONG_SHOWN_MAX = 200;
const PAGE_ROWS = 20_000;

export async function readExpectations(journals: readonly string[]): Promise<Expectations> {
  const events = new Map<EventTopic, Map<string, Expected>>(CONSUMERS.map(({ topic }) => [topic, new Map()]));
  const poison = new Map<string, Poisoned>();
  const eventOf = (topic: EventTopic, id: string): Expected => {
    const ofTopic = events.get(topic)!;
    let expected = ofTopic.get(id);
    if (expected === undefined) {
      expected = { contents: new Map(), acked: undefined, orphan: false, rows: 0, place: "nowhere" };
      ofTopic.set(id, expected);
    }
    return expected;
  };
  for (const path of journals) {
    for await (const note of readJournal(path)) {
      if (note.kind === "intent") {
        const expected = eventOf(note.topic, note.id);
        expected.contents.set(note.revision, note.content);
        expected.orphan ||= note.orphan;
      } else if (note.kind === "ack") {
        const expected = eventOf(note.topic, note.id);
        expected.acked = Math.max(expected.acked ?? 0, note.revision);
      } else if (note.kind === "poison" && !poison.has(note.digest)) {
        poison.set(note.digest, { acked: false, letters: 0 });
      } else if (note.kind === "poisonAck") {
        poison.get(note.digest)!.acked = true;
      }
    }
  }
  return { events, poison };
}

/** Holds a database against what was published, event by event. Nothing may be running. */
export async function judgeContent(client: pg.Client, expectations: Expectations): Promise<Verdict> {
  const wrong: string[] = [];
  const doubled: string[] = [];
  let rows = 0;
  for (const { topic, landing } of CONSUMERS) {
    if (topic === "audit") continue;
    const expected = expectations.events.get(topic)!;
    await client.query("BEGIN");
    await client.query(`DECLARE every_row CURSOR FOR SELECT ${columnsOf(topic)} FROM public.${landing.table}`);
    for (;;) {
      const page = await client.query<Record<string, unknown>>(`FETCH ${PAGE_ROWS} FROM every_row`);
      rows += page.rows.length;
      for (const row of page.rows) judgeRow(topic, row, expected, wrong, doubled);
      if (page.rows.length < PAGE_ROWS) break;
    }
    await client.query("COMMIT");
  }
  const letters = await judgeLetters(client, expectations, wrong);
  const parked = await judgeParked(client, expectations, wrong);
  const { lost, acknowledged, poisoned } = findLost(expectations);
  return { acknowledged, poisoned, rows, letters, parked, lost, doubled, wrong: wrong.slice(0, WRONG_SHOWN_MAX) };
}

const idField = (topic: EventTopic): string => OWN_ID[topic].field;

/** Everything as JSON has it: times as microseconds, 64-bit numbers as numbers. */
function columnsOf(topic: EventTopic): string {
  const columns = contentFields(topic).map(({ name, type }) => {
    const column = pg.escapeIdentifier(name);
    if (type === "timestamp") return `(extract(epoch FROM ${column}) * 1000000)::float8 AS ${column}`;
    return type === "long" ? `${column}::float8 AS ${column}` : column;
  });
  return columns.join(", ");
}

function judgeRow(
  topic: EventTopic,
  row: Record<string, unknown>,
  all: Map<string, Expected>,
  wrong: string[],
  doubled: string[],
): void {
  const id = row[idField(topic)] as string;
  const expected = all.get(id);
  if (expected === undefined) {
    wrong.push(`${topic} ${id}: a row that nobody published`);
    return;
  }
  expected.rows++;
  expected.place = "row";
  if (expected.rows > 1) doubled.push(`${topic} ${id}: ${expected.rows} rows`);
  const content = contentOf(topic, row);
  const revision = [...expected.contents].find(([, published]) => published === content)?.[0];
  if (revision === undefined) wrong.push(`${topic} ${id}: other content than was published`);
  else if (revision < (expected.acked ?? 0)) {
    wrong.push(`${topic} ${id}: revision ${revision}, and ${expected.acked} was acknowledged`);
  }
}

/** Where an event's own id stands in its bytes: behind the wire format's five and the length of a uuid's text. */
const ID_BYTES = [6, 42] as const;

async function judgeLetters(
  client: pg.Client,
  { events, poison }: Expectations,
  wrong: string[],
): Promise<Readonly<Record<string, number>>> {
  const reasons: Record<string, number> = {};
  const { rows } = await client.query<{ topic: EventTopic; reason: string; detail: string; value: Buffer }>(
    'SELECT topic, reason, detail, value FROM tradetape.dead_letter ORDER BY topic, partition, "offset"',
  );
  for (const { topic, reason, detail, value } of rows) {
    reasons[reason] = (reasons[reason] ?? 0) + 1;
    const poisoned = poison.get(digestOf(value));
    if (poisoned) {
      poisoned.letters++;
      continue;
    }
    const expected = events.get(topic)?.get(value.subarray(...ID_BYTES).toString());
    if (reason === "missing_parent" && expected?.orphan) expected.place = "letter";
    else wrong.push(`${topic}: a letter of a good event: ${reason}, ${detail}`);
  }
  return reasons;
}

async function judgeParked(client: pg.Client, { events }: Expectations, wrong: string[]): Promise<number> {
  const { rows } = await client.query<{ topic: EventTopic; event_id: string }>(
    "SELECT topic, event_id FROM tradetape.parked_event",
  );
  for (const { topic, event_id: id } of rows) {
    const expected = events.get(topic)?.get(id);
    if (expected?.orphan) expected.place = "parked";
    else wrong.push(`${topic} ${id}: parked, and its parents were published`);
  }
  return rows.length;
}

function findLost({ events, poison }: Expectations): Pick<Verdict, "lost" | "acknowledged" | "poisoned"> {
  const lost: string[] = [];
  let acknowledged = 0;
  for (const [topic, all] of events) {
    for (const [id, { acked, place }] of all) {
      if (acked === undefined) continue;
      acknowledged++;
      if (place === "nowhere") lost.push(`${topic} ${id}`);
    }
  }
  let poisoned = 0;
  for (const [digest, { acked, letters }] of poison) {
    if (!acked) continue;
    poisoned++;
    if (letters === 0) lost.push(`the poisoned event ${digest}: no letter`);
  }
  return { lost, acknowledged, poisoned };
}

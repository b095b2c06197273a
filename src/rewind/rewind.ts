import { randomUUID } from "node:crypto";
import { CONSUMERS } from "../../consumers/all.ts";
import { letterEntry } from "../audit/entry.ts";
import { letterMessage } from "../batch/land/outbox-messages.ts";
import { TradetapeError } from "../errors.ts";
import { encodeEvent } from "../event/codec.ts";
import { recordRewound } from "../operator/audit-entries.ts";
import type { Ops } from "../operator/ops.ts";
import { type HeardState, readStates } from "../table/checks/group-states.ts";
import { committed } from "../table/committed.ts";
import { lockPlace } from "../table/landing/landed.ts";
import { advance, NOTHING_COUNTED } from "../table/landing/ledger.ts";
import { insertLetters, type LetterRow } from "../table/landing/letters.ts";
import { insertOutbox, type Owed } from "../table/landing/outbox.ts";
import { type ParkedRecord, parkedPage, unpark } from "../table/landing/parked.ts";
import { runsInTheWay } from "../table/upkeep/replay-run.ts";
import { writeRewind } from "../table/upkeep/rewinds.ts";
import { topicName } from "../topic/topics.ts";
import type { PlannedRewind } from "./plan-rewinds.ts";

/** As many as an expiry takes: each is written twice with all of its bytes. */
const PAGE_EVENTS_MAX = 1000;

interface RewindOptions {
  /** Why, for those who read the audit trail. */
  readonly reason: string;
  readonly namespace: string;
}

/**
 * Goes back to where each log is still the one that landed, so that the groups land what it holds from there. Events that come
 * again have their ids and are duplicates; rows of events that the log lost stay.
 *
 * Parked events that the log lost become letters first, page by page, because they would wait at offsets that other events
 * have now; then one transaction of each partition goes back. Who dies in between does it again: the rest follows.
 * @throws TradetapeError input_invalid while a group of the topic runs, or where a partition has landed on meanwhile;
 * replay_partial while a replay into this database has the topic in its plan
 */
export async function rewind(ops: Ops, plans: readonly PlannedRewind[], options: RewindOptions): Promise<void> {
  await refuseReplayed(ops, plans);
  await refuseRunning(ops, plans);
  const actionId = randomUUID();
  for (const plan of plans) {
    const given = await giveUpParked(ops, plan, options.namespace);
    await goBack(ops, plan, { ...options, actionId, parked: given });
  }
}

/**
 * A replay that hasn't finished lands offsets of the log that there was when it began. Behind a rewind it would take other
 * events for those, stop short of what the log holds, and call the database whole.
 */
async function refuseReplayed({ connection }: Ops, plans: readonly PlannedRewind[]): Promise<void> {
  const names = [...new Set(plans.map(({ topic }) => topic))];
  const run = (await runsInTheWay(connection, names)).find(({ isFinished }) => !isFinished);
  if (run === undefined) return;
  const topics = run.topics.filter((name) => names.includes(name)).join(", ");
  throw new TradetapeError(
    "replay_partial",
    `the replay ${run.runId} of ${topics} into this database has not finished, and lands what the log held when it began`,
    {
      next:
        "Finish it by the same `tradetape replay --into` command, and run this again. Where the log lost what the replay " +
        "was to land, begin it anew with a fresh database.",
    },
  );
}

/** A group that lands is one whose log is as it was; whatever was found of it, its process knows better by now. */
async function refuseRunning(ops: Ops, plans: readonly PlannedRewind[]): Promise<void> {
  const topics = new Set(plans.map(({ topic }) => topic));
  const states = await readStates(ops.connection);
  const lands = ({ state, isSilent }: HeardState) => (state === "running" || state === "waiting") && !isSilent;
  const running = states.filter((state) => topics.has(state.topic) && lands(state));
  if (running.length === 0) return;
  const where = running.map(({ topic, process, state }) => `${topic} in ${process} (${state})`).join(", ");
  throw new TradetapeError("input_invalid", `what a group lands can't be rewound under it: ${where}`, {
    next: "Stop `tradetape consume` of these topics, run this again, and start it afterwards.",
  });
}

const lostLetter = ({ offset, key, value, headers, publishedAtMs }: ParkedRecord): LetterRow => ({
  offset,
  reason: "log_cut",
  detail: "it waited for its parent when the log lost it",
  column: null,
  sqlstate: null,
  key,
  value,
  cut: null,
  headers,
  publishedAtMs,
  attempts: 0,
});

/** @returns how many */
async function giveUpParked(ops: Ops, plan: PlannedRewind, namespace: string): Promise<number> {
  const { connection } = ops;
  const { topic, partition, cutFrom } = plan;
  let given = 0;
  for (let afterOffset = cutFrom - 1; ; ) {
    const page = await committed(connection, async () => {
      await lockUnmoved(ops, plan);
      const parked = await parkedPage(connection, { topic, partition, afterOffset, rowsMax: PAGE_EVENTS_MAX });
      if (parked.length === 0) return parked;
      const letters = parked.map(lostLetter);
      await insertLetters(connection, topic, partition, letters);
      const offsets = parked.map(({ offset }) => offset);
      await unpark(connection, topic, partition, offsets);
      await insertOutbox(connection, topic, messagesOf(ops, plan, letters, namespace));
      const at = plan.landed.nextOffset;
      const counts = { ...NOTHING_COUNTED, dead: parked.length, parked: -parked.length };
      const covers = { firstOffset: at, nextOffset: at, holes: 0, lost: 0, superseded: 0 };
      await advance(connection, topic, { partition, ledger: { kind: "release", ...covers, ...counts } });
      return parked;
    });
    if (page.length === 0) return given;
    given += page.length;
    afterOffset = page.at(-1)!.offset;
  }
}

/** What a letter owes wherever it is made: its copy, and its entry where each event of the topic has one. */
function messagesOf(ops: Ops, plan: PlannedRewind, letters: readonly LetterRow[], namespace: string): Owed[] {
  const { topic, partition } = plan;
  const topics = { topicName: topic, deadLettersTopicName: topicName(namespace, "dead-letters") };
  const copies = letters.map((letter) => letterMessage(topics, partition, letter));
  const consumer = CONSUMERS.find((one) => topicName(namespace, one.topic) === topic);
  const audited = typeof consumer?.audit === "function" ? letters : [];
  const entries = audited.map((letter) => {
    const entry = letterEntry({ topic, partition, offset: letter.offset }, letter);
    const value = encodeEvent("audit", ops.auditSchemaId, entry);
    return { topic: ops.auditTopicName, key: null, value, headers: {} };
  });
  return [...copies, ...entries].map((message) => ({ partition, message }));
}

async function goBack(
  ops: Ops,
  plan: PlannedRewind,
  { actionId, reason, parked }: RewindOptions & { readonly actionId: string; readonly parked: number },
): Promise<void> {
  const { topic, partition, breach, landed, seen, to, cutFrom, leaderEpoch, rows, letters, commonEnd } = plan;
  const { nextOffset: from, rewinds } = landed;
  const topicId = seen.topicId ?? null;
  const { clusterId, log } = seen;
  const facts = { breach, common_end: commonEnd, log_begins: log.low, log_ends: log.high, reason };
  await committed(ops.connection, async () => {
    await lockUnmoved(ops, plan);
    const place = { topic, partition, from, to };
    const detail = { ...facts, actor: ops.login, os_user: ops.osUser, action_id: actionId };
    await writeRewind(ops.connection, { ...place, cutFrom, clusterId, topicId, leaderEpoch, rewinds, rows, detail });
    await recordRewound(ops, {
      ...place,
      actionId,
      facts: {
        ...facts,
        ...{ rewinds: rewinds + 1, rows, letters, parked },
        ...{ cluster_id: clusterId, cluster_before: landed.clusterId, topic_id: topicId, topic_before: landed.topicId },
      },
    });
  });
}

/** @throws TradetapeError input_invalid where something has landed since the plan was made */
async function lockUnmoved({ connection }: Ops, { topic, partition, landed }: PlannedRewind): Promise<void> {
  const { next, rewinds } = await lockPlace(connection, topic, partition);
  if (next === landed.nextOffset && rewinds === landed.rewinds) return;
  throw new TradetapeError(
    "input_invalid",
    `${topic}/${partition} stands at offset ${next}, and stood at ${landed.nextOffset} when its log was looked at`,
    { next: "Stop `tradetape consume` of this topic and run this again." },
  );
}

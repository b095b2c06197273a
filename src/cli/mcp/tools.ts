import { z } from "zod";
import { CONSUMERS } from "../../../consumers/all.ts";
import { type Config, requireServices } from "../../config.ts";
import type { Reader } from "../../console/reader.ts";
import { readAccounts, undecidedOf } from "../../desk/accounts.ts";
import type { Log } from "../../log.ts";
import { readDatabaseSide, readPartitions } from "../../status/read-status.ts";
import { barsKnown, searchDecisions } from "../../table/desk/search.ts";
import { listLetters } from "../../table/letters/dead-letters.ts";
import { citationsOf } from "../../table/sessions/citations.ts";
import { compareDecisions, sessionTotals } from "../../table/sessions/session-diff.ts";
import { findTrees } from "../../table/sessions/trees.ts";
import { openKafka } from "../../topic/kafkajs/open-kafka.ts";
import { withAdmin } from "../../topic/log-client.ts";
import { topicName } from "../../topic/topics.ts";
import { readScope, toldBars } from "../desk/desk-flags.ts";
import { timeOf } from "../flags.ts";

/** What a tool has to answer with. */
export interface AskedTape {
  readonly reader: Reader;
  readonly config: Config;
  readonly log: Log;
}

type Shape = Readonly<Record<string, z.ZodType>>;

/** A question that may be asked; what it answers is JSON, with ids and offsets that the log can be asked about. */
interface TapeTool<S extends Shape = Shape> {
  readonly name: string;
  readonly description: string;
  readonly input: S;
  ask(tape: AskedTape, given: z.infer<z.ZodObject<S>>): Promise<object>;
}

/** Rows of one answer: a model reads some, and asks more narrowly for others. */
const ROWS_MAX = 50;

const tool = <S extends Shape>(declared: TapeTool<S>): TapeTool => declared;

const SESSION = z.string().optional().describe("a session's whole id; without it: live trading");
const SYMBOL = z.string().describe("an instrument, by its ticker or its id");
const WHEN = z.string().describe("ISO 8601, UTC without a zone, or how long ago as 90m, 6h, 7d");

const known = (text: string | undefined): string | null => timeOf("as_of", text, Date.now()) ?? null;

export const TOOLS: readonly TapeTool[] = [
  tool({
    name: "why",
    description:
      "Why a decision was taken, or what a fill, prediction, call, bar or audit entry led to: what was known then, the" +
      " prediction, the decision, the calls of models behind it, fills and audit entries, as a tree.",
    input: {
      id: z.string().describe("whole, or its first four digits or more"),
      as_of: WHEN.optional().describe("what the broker had by then"),
    },
    ask: ({ reader }, { id, as_of }) =>
      reader.ask(async (connection) => {
        const trees = await findTrees(connection, id, known(as_of));
        const ids = trees.traces.flatMap(({ steps }) => steps.map((step) => step.id));
        return { ...trees, citations: await citationsOf(connection, ids) };
      }),
  }),
  tool({
    name: "as_of",
    description: "The last complete bar of each series of an instrument, as it was known at a time.",
    input: { symbol: SYMBOL, at: WHEN, session: SESSION },
    ask: ({ reader }, { symbol, at, session }) =>
      reader.ask(async (connection) => {
        const scope = await readScope(connection, { symbol, session });
        return { as_of: known(at), bars: await barsKnown(connection, scope, known(at)!, ROWS_MAX) };
      }),
  }),
  tool({
    name: "positions",
    description:
      "What each strategy holds of each instrument, with average price, mark, realised and unrealised money.",
    input: { session: SESSION, strategy: z.string().optional(), symbol: SYMBOL.optional(), until: WHEN.optional() },
    ask: (tape, given) => accountsOf(tape, given),
  }),
  tool({
    name: "pnl",
    description: "What each strategy made of each instrument between two times: realised, unrealised, fees.",
    input: { session: SESSION, strategy: z.string().optional(), since: WHEN.optional(), until: WHEN.optional() },
    ask: (tape, given) => accountsOf(tape, given),
  }),
  tool({
    name: "compare_sessions",
    description: "Two sessions side by side: their figures, and the decisions in which they differ, by time.",
    input: { a: z.uuid(), b: z.uuid() },
    ask: ({ reader }, { a, b }) =>
      reader.ask(async (connection) => ({
        totals: { a: await sessionTotals(connection, a), b: await sessionTotals(connection, b) },
        decisions: await compareDecisions(connection, a, b, ROWS_MAX),
      })),
  }),
  tool({
    name: "letters",
    description: "Events that couldn't become rows and that nobody has acted on, by topic and reason, with an example.",
    input: { all: z.boolean().optional().describe("also those that were redriven or discarded") },
    ask: ({ reader, config }, { all }) =>
      reader.ask(async (connection) => {
        const topics = CONSUMERS.map(({ topic }) => topicName(config.namespace, topic));
        return { letters: (await listLetters(connection, { topics }, all === true)).slice(0, ROWS_MAX) };
      }),
  }),
  tool({
    name: "lag",
    description:
      "How far and how late the landing of each partition is: offsets, events behind, when they will be there.",
    input: {},
    ask: async ({ reader, config, log }) => {
      const services = requireServices(config, "databaseUrl", "kafkaBrokers");
      const side = await reader.ask(readDatabaseSide);
      const names = CONSUMERS.map(({ topic }) => topicName(config.namespace, topic));
      const rows = await withAdmin(openKafka(services, log), (admin) => readPartitions(admin, side, names, undefined));
      return { partitions: rows };
    },
  }),
  tool({
    name: "search_decisions",
    description: `Decisions whose reason has all of some words, the newest first, ${ROWS_MAX} at most.`,
    input: {
      words: z.array(z.string()).default([]),
      ...{ session: SESSION, strategy: z.string().optional(), symbol: SYMBOL.optional() },
      ...{ since: WHEN.optional(), until: WHEN.optional() },
    },
    ask: ({ reader }, { words, ...scope }) =>
      reader.ask(async (connection) => {
        const decisions = await searchDecisions(connection, await readScope(connection, scope), words, ROWS_MAX);
        return {
          decisions,
          citations: await citationsOf(
            connection,
            decisions.map(({ id }) => id),
          ),
        };
      }),
  }),
];

const accountsOf = ({ reader }: AskedTape, given: Parameters<typeof readScope>[1]): Promise<object> =>
  reader.ask(async (connection) => {
    const scope = await readScope(connection, given);
    const strategies = await readAccounts(connection, scope, toldBars({ interval: "1d" }));
    const accounts = strategies.flatMap(({ strategyId, accounts: own }) =>
      own.map(({ symbol, markedBy, account }) => ({
        ...{ strategyId, symbol, markedBy, position: account.position, averagePrice: account.averagePrice },
        ...{ mark: account.mark, realised: account.realised, unrealised: account.unrealised, fees: account.fees },
        pnl: account.pnl,
      })),
    );
    const undecided = undecidedOf(strategies, ({ pnl }) => pnl !== null);
    return { accounts: accounts.slice(0, ROWS_MAX), more: Math.max(0, accounts.length - ROWS_MAX), undecided };
  });

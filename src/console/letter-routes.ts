import { Hono } from "hono";
import { z } from "zod";
import { CONSUMERS } from "../../consumers/all.ts";
import { type Config, requireServices } from "../config.ts";
import { letterJson } from "../dead-letter/letter-json.ts";
import { readLetterEvent } from "../dead-letter/read.ts";
import { LETTER_REASONS, type LetterReason } from "../event/letter.ts";
import { openRegistry } from "../event/registry.ts";
import { listLetters, readLetters } from "../table/letters/dead-letters.ts";
import { readLetterPage } from "../table/letters/letter-page.ts";
import { topicName } from "../topic/topics.ts";
import type { Acts } from "./acts.ts";
import { misread, refused } from "./guard.ts";
import type { Reader } from "./reader.ts";

const PAGE_LETTERS = 50;
const NOTE_CHARS_MAX = 500;

interface Rooms {
  readonly config: Config;
  readonly reader: Reader;
  /** Undefined where the console only shows. */
  readonly acts: Acts | undefined;
}

/** `/api/letters`: the letters by topic and reason, the letters of one of these, one letter; and acts on them. */
export function letterRoutes({ config, reader, acts }: Rooms): Hono {
  const topics = new Map(CONSUMERS.map(({ topic }) => [topicName(config.namespace, topic), topic]));
  const topic = z.enum([...topics.keys()]);
  const reason = z.enum(Object.keys(LETTER_REASONS) as LetterReason[]);
  const whole = z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
  const Kind = z.object({ topic, reason, all: z.enum(["true", "false"]), skip: whole });
  const Place = z.object({
    topic,
    partition: whole.max(2_147_483_647),
    offset: whole,
    rewind: whole.max(2_147_483_647),
  });
  const note = z.string().trim().max(NOTE_CHARS_MAX);
  const Asked = z.object({ kind: z.enum(["redrive", "discard"]), topic, reason, note, dryRun: z.boolean() });

  const app = new Hono();
  app.get("/", async (c) => {
    const all = c.req.query("all") === "true";
    return c.json(await reader.ask((connection) => listLetters(connection, { topics: [...topics.keys()] }, all)));
  });
  app.get("/of", async (c) => {
    const asked = Kind.safeParse(c.req.query());
    if (!asked.success) return c.json(misread(asked.error), 400);
    const { all, ...kind } = asked.data;
    const page = { ...kind, all: all === "true", most: PAGE_LETTERS };
    return c.json(await reader.ask((connection) => readLetterPage(connection, page)));
  });
  app.get("/one", async (c) => {
    const asked = Place.safeParse(c.req.query());
    if (!asked.success) return c.json(misread(asked.error), 400);
    const { topic, partition, offset, rewind } = asked.data;
    const found = await reader.ask((connection) => readLetters(connection, topic, partition, offset));
    const letter = found.find((one) => one.rewind === rewind);
    if (letter === undefined)
      return c.json(refused("not_found", `${topic}/${partition}/${offset} is not a letter`), 404);
    const isThere = config.schemaRegistryUrl !== undefined;
    const registry = isThere ? openRegistry(requireServices(config, "schemaRegistryUrl")) : undefined;
    return c.json(letterJson(letter, await readLetterEvent(topics.get(topic)!, letter, registry)));
  });
  app.post("/acts", async (c) => {
    if (acts === undefined) return c.json(refused("shows_only", "this console only shows", START_ACTING), 403);
    const asked = Asked.safeParse(await c.req.json().catch(() => undefined));
    if (!asked.success) return c.json(misread(asked.error), 400);
    const { dryRun, ...what } = asked.data;
    if (what.kind === "discard" && what.note === "" && !dryRun)
      return c.json(refused("input_invalid", "say why they are given up"), 400);
    if (dryRun) return c.json(await acts.plan(what));
    const act = await acts.begin(what);
    return act ? c.json(act) : c.json(refused("busy", "an act is running", "Wait for it, or stop it."), 409);
  });
  app.post("/acts/stop", (c) => {
    acts?.stop();
    return c.json({});
  });
  return app;
}

const START_ACTING = "Start it with --allow-actions.";

import { setTimeout as sleep } from "node:timers/promises";
import { COMPATIBILITY, SchemaRegistry, SchemaType } from "@kafkajs/confluent-schema-registry";
import avsc from "avsc";
import { TradetapeError } from "../errors.ts";
import { strictType } from "./avro/strict-types.ts";
import { askRegistry, guarded, type HttpFailure, type RegistryQuestions } from "./registry-http.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic } from "./schemas.ts";

/** The schema an event was written with, or why there is none that a reader could use. */
export type WriterSchema = { readonly type: avsc.Type } | { readonly reason: string };

export interface Registry {
  /**
   * Registers the topic's event schema under `<topicName>-value`, with BACKWARD compatibility, and gives its id. Asking
   * again asks nothing.
   * @param topicName the Kafka topic's full name, with the namespace
   * @throws TradetapeError registry_refused (an incompatible change), registry_unreachable (canRetry)
   */
  register(topicName: string, topic: EventTopic): Promise<number>;
  /** What `fetch` found for the id; undefined when it was never asked. Synchronous. */
  writer(id: number): WriterSchema | undefined;
  /** Whether `fetch` has something to ask: the id is new here, or was unknown when last asked, some seconds ago. */
  isStale(id: number): boolean;
  /**
   * The writer's schema of that id. That the registry has none is an answer; that it doesn't answer is an error.
   * @throws TradetapeError registry_unreachable (canRetry)
   */
  fetch(id: number): Promise<WriterSchema>;
}

/** Ten thousand messages of an id nobody knows ask once; a schema registered a moment late is found all the same. */
const UNKNOWN_KEPT_MS = 5000;
/** The API's own codes: 40403 is a schema's, 40401 and 40408 are a subject's and its setting's. */
const SCHEMA_NOT_FOUND = 40403;
const isNotThere = (code: number): boolean => Math.floor(code / 100) === 404;
/**
 * Of processes that register one new subject at the same moment, a registry may tell all but one 409, the status of an
 * incompatible change, too. The next try finds what the first one made; a change that is refused pays a second for it.
 */
const RACE_TRIES_MAX = 5;
const RACE_PAUSE_MS = 200;

/** The package's message without its own preamble (a connection that fails is a status 400 there), or fetch's cause. */
const said = ({ message, cause }: HttpFailure) =>
  cause instanceof Error ? cause.message : message.replace(/^tradetape - (Error, status 400: )?/, "");

/** A registry with Confluent's API. @param url user and password may stand in it; they never reach an error's text. */
export function openRegistry(url: string): Registry {
  return new ConfluentRegistry(url);
}

class ConfluentRegistry implements Registry {
  readonly #remote: SchemaRegistry;
  readonly #host: string;
  readonly #questions: RegistryQuestions;
  readonly #writers = new Map<number, WriterSchema>();
  readonly #unknownUntil = new Map<number, number>();
  readonly #registered = new Map<string, Promise<number>>();

  constructor(url: string) {
    const { protocol, host, pathname, username, password } = new URL(url);
    this.#host = `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
    const auth = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
    const basic = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
    this.#questions = askRegistry(this.#host, username ? `Basic ${basic}` : undefined);
    this.#remote = new SchemaRegistry(
      { host: this.#host, clientId: "tradetape", ...(username ? { auth } : {}), middlewares: [guarded as never] },
      { [SchemaType.AVRO]: { typeHook: strictType } },
    );
  }

  register(topicName: string, topic: EventTopic): Promise<number> {
    const known = this.#registered.get(topicName);
    if (known !== undefined) return known;
    const asked = this.#register(topicName, topic);
    this.#registered.set(topicName, asked);
    asked.catch(() => this.#registered.delete(topicName));
    return asked;
  }

  async #register(topicName: string, topic: EventTopic): Promise<number> {
    const subject = `${topicName}-value`;
    const schema = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].json;
    for (let tries = 1; ; tries++) {
      try {
        await this.#guardSubject(subject);
        const options = { subject, compatibility: COMPATIBILITY.BACKWARD };
        const { id } = await this.#remote.register({ type: SchemaType.AVRO, schema }, options);
        return id;
      } catch (cause) {
        const isRace = (cause as HttpFailure).status === 409 && tries < RACE_TRIES_MAX;
        if (!isRace) throw this.#registerFault(cause as HttpFailure, subject);
        await sleep(RACE_PAUSE_MS * (0.5 + Math.random()));
      }
    }
  }

  /**
   * Sets a new subject's compatibility before its first version. The package does it behind: a process that dies
   * between leaves a subject that allows everything, and one that looks between takes it for somebody's choice.
   * @throws HttpFailure
   */
  async #guardSubject(subject: string): Promise<void> {
    const config = `/config/${encodeURIComponent(subject)}`;
    const code = await this.#questions.failureCode(config);
    if (code !== undefined && isNotThere(code)) await this.#questions.put(config, { compatibility: "BACKWARD" });
  }

  #registerFault(cause: HttpFailure, subject: string): TradetapeError {
    const isSetting = cause.name === "ConfluentSchemaRegistryCompatibilityError";
    if (!isSetting && cause.status !== 409 && cause.status !== 422) return this.#unreachable(cause);
    const message = `${this.#host} refused this program's schema for ${subject}: ${said(cause)}`;
    const next = isSetting
      ? `Set the compatibility of ${subject} to BACKWARD in the registry.`
      : "Give new fields a default (compare schemas/ with the subject's latest version), or use another namespace.";
    return new TradetapeError("registry_refused", message, { next, cause });
  }

  writer(id: number): WriterSchema | undefined {
    return this.#writers.get(id);
  }

  isStale(id: number): boolean {
    if (!this.#writers.has(id)) return true;
    const until = this.#unknownUntil.get(id);
    return until !== undefined && performance.now() >= until;
  }

  async fetch(id: number): Promise<WriterSchema> {
    const known = this.#writers.get(id);
    if (known !== undefined && !this.isStale(id)) return known;
    const found = await this.#ask(id);
    this.#writers.set(id, found);
    if ("reason" in found) this.#unknownUntil.set(id, performance.now() + UNKNOWN_KEPT_MS);
    else this.#unknownUntil.delete(id);
    return found;
  }

  async #ask(id: number): Promise<WriterSchema> {
    try {
      const schema: unknown = await this.#remote.getSchema(id);
      if (avsc.Type.isType(schema, "record")) return { type: schema as avsc.Type };
      return { reason: `schema ${id} isn't an Avro record` };
    } catch (error) {
      const cause = error as HttpFailure;
      if (cause.status === 404 && (await this.#confirmsAbsence(id)))
        return { reason: `the registry has no schema ${id}` };
      if (cause.status !== undefined) throw this.#unreachable(cause);
      // Not an answer over HTTP: the package couldn't make a type of the text it got.
      return { reason: `schema ${id} can't be used: ${cause.message}` };
    }
  }

  /** The package drops the registry's own code: a 404 of anything else (a wrong path in the URL) is no answer. */
  async #confirmsAbsence(id: number): Promise<boolean> {
    try {
      return (await this.#questions.failureCode(`/schemas/ids/${id}`)) === SCHEMA_NOT_FOUND;
    } catch (cause) {
      throw this.#unreachable(cause as HttpFailure);
    }
  }

  #unreachable(cause: HttpFailure): TradetapeError {
    const isLogin = cause.status === 401 || cause.status === 403;
    return new TradetapeError("registry_unreachable", `${this.#host}: ${said(cause)}`, {
      canRetry: true,
      next: isLogin
        ? "Check the user and password in SCHEMA_REGISTRY_URL."
        : "Check that the registry runs and that SCHEMA_REGISTRY_URL names it.",
      cause,
    });
  }
}

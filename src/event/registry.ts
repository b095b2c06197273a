import { COMPATIBILITY, SchemaRegistry, SchemaType } from "@kafkajs/confluent-schema-registry";
import avsc from "avsc";
import { TradetapeError } from "../errors.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic } from "./schemas.ts";
import { strictType } from "./strict-types.ts";

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
/** A registry that accepts the connection and then says nothing must not hold a partition for ever. */
const REQUEST_TIMEOUT_MS = 10_000;

interface HttpFailure {
  readonly status?: number;
  readonly message: string;
  readonly name: string;
}

/** The package's message without its own preamble; a connection that fails is called a status 400 there. */
const said = (cause: HttpFailure) => cause.message.replace(/^tradetape - (Error, status 400: )?/, "");

/** Set by a middleware: the package itself sets no limit. */
const withTimeout = () => ({
  request: (request: { enhance(change: object): unknown }) => request.enhance({ timeout: REQUEST_TIMEOUT_MS }),
});

/** A registry with Confluent's API. @param url user and password may stand in it; they never reach an error's text. */
export function openRegistry(url: string): Registry {
  return new ConfluentRegistry(url);
}

class ConfluentRegistry implements Registry {
  readonly #remote: SchemaRegistry;
  readonly #host: string;
  readonly #authorization: string | undefined;
  readonly #writers = new Map<number, WriterSchema>();
  readonly #unknownUntil = new Map<number, number>();
  readonly #registered = new Map<string, Promise<number>>();

  constructor(url: string) {
    const { protocol, host, pathname, username, password } = new URL(url);
    this.#host = `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
    const auth = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
    const basic = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
    this.#authorization = username ? `Basic ${basic}` : undefined;
    this.#remote = new SchemaRegistry(
      { host: this.#host, clientId: "tradetape", ...(username ? { auth } : {}), middlewares: [withTimeout as never] },
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
    try {
      const options = { subject, compatibility: COMPATIBILITY.BACKWARD };
      const { id } = await this.#remote.register({ type: SchemaType.AVRO, schema }, options);
      return id;
    } catch (cause) {
      throw this.#registerFault(cause as HttpFailure, subject);
    }
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
      if (cause.status === 404 && (await this.#confirms404(id))) return { reason: `the registry has no schema ${id}` };
      if (cause.status !== undefined) throw this.#unreachable(cause);
      // Not an answer over HTTP: the package couldn't make a type of the text it got.
      return { reason: `schema ${id} can't be used: ${cause.message}` };
    }
  }

  /**
   * A 404 of anything else (a proxy, a wrong path in the URL) would turn every event into a letter. Confluent's API
   * says by its own error codes, 40403 here, that it is the registry that has no such schema; the package drops them.
   */
  async #confirms404(id: number): Promise<boolean> {
    const headers = this.#authorization === undefined ? {} : { authorization: this.#authorization };
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    try {
      const response = await fetch(`${this.#host}/schemas/ids/${id}`, { headers, signal });
      const body = (await response.json()) as { error_code?: number } | null;
      return response.status === 404 && body?.error_code === 40403;
    } catch (cause) {
      throw this.#unreachable(cause as Error);
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

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

/** A registry with Confluent's API. @param url user and password may stand in it; they never reach an error's text. */
export function openRegistry(url: string): Registry {
  return new ConfluentRegistry(url);
}

class ConfluentRegistry implements Registry {
  readonly #remote: SchemaRegistry;
  readonly #host: string;
  readonly #writers = new Map<number, WriterSchema>();
  readonly #unknownUntil = new Map<number, number>();
  readonly #asking = new Map<number, Promise<WriterSchema>>();
  readonly #registered = new Map<string, Promise<number>>();

  constructor(url: string) {
    const { protocol, host, pathname, username, password } = new URL(url);
    this.#host = `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
    const auth = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
    const limit = () => ({ request: (r: { enhance(e: object): never }) => r.enhance({ timeout: REQUEST_TIMEOUT_MS }) });
    this.#remote = new SchemaRegistry(
      { host: this.#host, clientId: "tradetape", ...(username ? { auth } : {}), middlewares: [limit as never] },
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
    const message = `${this.#host} refused this program's schema for ${subject}: ${cause.message}`;
    const next = isSetting
      ? `Set the compatibility of ${subject} to BACKWARD in the registry.`
      : `Give every new field a default, or register under a namespace of its own: compare schemas/ with ${this.#host}/subjects/${subject}/versions/latest.`;
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

  fetch(id: number): Promise<WriterSchema> {
    const known = this.#writers.get(id);
    if (known !== undefined && !this.isStale(id)) return Promise.resolve(known);
    let asked = this.#asking.get(id);
    if (asked === undefined) {
      asked = this.#fetch(id).finally(() => this.#asking.delete(id));
      this.#asking.set(id, asked);
    }
    return asked;
  }

  async #fetch(id: number): Promise<WriterSchema> {
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
      if (cause.status === 404) return { reason: `the registry has no schema ${id}` };
      if (cause.status !== undefined) throw this.#unreachable(cause);
      // Not an answer over HTTP: the package couldn't make a type of the text it got.
      return { reason: `schema ${id} can't be used: ${cause.message}` };
    }
  }

  #unreachable(cause: HttpFailure): TradetapeError {
    const isLogin = cause.status === 401 || cause.status === 403;
    return new TradetapeError("registry_unreachable", `${this.#host}: ${cause.message}`, {
      canRetry: true,
      next: isLogin
        ? "Check the user and password in SCHEMA_REGISTRY_URL."
        : "Check that the registry runs and that SCHEMA_REGISTRY_URL names it.",
      cause,
    });
  }
}

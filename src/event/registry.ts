import { setTimeout as sleep } from "node:timers/promises";
import type { COMPATIBILITY, SchemaRegistry, SchemaType } from "@kafkajs/confluent-schema-registry";
import avsc from "avsc";
import { TradetapeError } from "../errors.ts";
import type { Admission } from "./admission.ts";
import { HostileSchema, requireBoundedTypes } from "./avro/schema-bounds.ts";
import { strictType } from "./avro/strict-types.ts";
import { RegistryDoor, type RegistryWay } from "./http/registry-door.ts";
import { type HttpFailure, hidden, registryUnreachable, said } from "./http/registry-fault.ts";
import type { RegistryAddress } from "./http/registry-http.ts";
import { askRegistry, guarded, type RegistryQuestions, type Said } from "./http/registry-questions.ts";
import { guardSubject, SCHEMA_NOT_FOUND, subjectOf } from "./http/subjects.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic } from "./schemas.ts";

/** The schema an event was written with, or why there is none that a reader could use. */
export type WriterSchema = UsableSchema | NoSchema;
interface UsableSchema {
  readonly type: avsc.Type;
  /** Why a topic doesn't admit it; undefined where it does, and where nobody asks. */
  readonly refusedBy?: (topic: EventTopic) => string | undefined;
}
interface NoSchema {
  readonly reason: string;
  /** Set for a schema that is there, and must not be read by. */
  readonly isHostile?: true;
}

export interface Registry {
  /**
   * Registers the topic's event schema under `<topicName>-value` and gives its id. A new subject gets FULL_TRANSITIVE
   * compatibility, one that there is keeps its own. Asking again asks nothing.
   * @param topicName the Kafka topic's full name, with the namespace
   * @throws TradetapeError registry_refused (an incompatible change); registry_unreachable, tls_refused, login_refused,
   * acl_missing
   */
  register(topicName: string, topic: EventTopic): Promise<number>;
  /** What `fetch` found for the id; undefined when it was never asked. Synchronous. */
  writer(id: number): WriterSchema | undefined;
  /** Whether `fetch` has something to ask: the id is new here, or was unknown or refused when last asked, some seconds ago. */
  isStale(id: number): boolean;
  /**
   * The writer's schema of that id. That the registry has none is an answer; that it doesn't answer is an error.
   * @throws TradetapeError registry_unreachable (canRetry)
   */
  fetch(id: number): Promise<WriterSchema>;
}

/** Ten thousand messages of an id that is unknown or refused ask once; one registered a moment late is found all the same. */
const KEPT_MS = 5000;
/**
 * Of processes that register one new subject at the same moment, a registry may tell all but one 409, the status of an
 * incompatible change, too. The next try finds what the first one made; a change that is refused pays a second for it.
 */
const RACE_TRIES_MAX = 5;
const RACE_PAUSE_MS = 200;

/** The package's own word, which it takes as its enum only. */
const AVRO = "AVRO" as SchemaType.AVRO;

const isFailure = (said: Said, code: number): boolean => "failure" in said && said.failure === code;

/**
 * A registry with Confluent's API.
 * @param way to it: its user, password and token never reach an error's text
 * @param admission of whoever reads events that others wrote; without it every schema is admitted
 * @throws TradetapeError where a TLS file can't be used
 */
export function openRegistry(way: RegistryWay, admission?: Admission): Registry {
  return new ConfluentRegistry(new RegistryDoor(way), admission);
}

class ConfluentRegistry implements Registry {
  /** The package is loaded at the first question, because that costs more than most commands that ask nothing do. */
  readonly #remote: () => Promise<SchemaRegistry>;
  readonly #address: RegistryAddress;
  readonly #questions: RegistryQuestions;
  readonly #admission: Admission | undefined;
  readonly #writers = new Map<number, WriterSchema>();
  readonly #askAgainAt = new Map<number, number>();
  readonly #registered = new Map<string, Promise<number>>();
  #hasAnswered = false;

  constructor(door: RegistryDoor, admission: Admission | undefined) {
    this.#admission = admission;
    this.#address = door.address;
    this.#questions = askRegistry(door);
    const { host } = door.address;
    const api = { host, clientId: "tradetape", agent: door.agent, middlewares: [guarded(door) as never] };
    let remote: Promise<SchemaRegistry> | undefined;
    this.#remote = () => {
      remote ??= import("@kafkajs/confluent-schema-registry").then(
        (client) => new client.SchemaRegistry(api, { [AVRO]: { typeHook: strictType } }),
      );
      return remote;
    };
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
    const subject = subjectOf(topicName);
    const schema = EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].json;
    for (let tries = 1; ; tries++) {
      try {
        const compatibility = await guardSubject(this.#questions, subject);
        const options = { subject, compatibility: compatibility as COMPATIBILITY };
        const { id } = await (await this.#remote()).register({ type: AVRO, schema }, options);
        this.#hasAnswered = true;
        return id;
      } catch (cause) {
        const isRace = (cause as HttpFailure).status === 409 && tries < RACE_TRIES_MAX;
        if (!isRace) throw this.#registerFault(cause as HttpFailure, subject);
        await sleep(RACE_PAUSE_MS * (0.5 + Math.random()));
      }
    }
  }

  #registerFault(cause: HttpFailure, subject: string): TradetapeError {
    if (cause.status !== 409 && cause.status !== 422)
      return registryUnreachable(this.#address, cause, this.#hasAnswered);
    const { shown, hide } = this.#address;
    const message = hide(`${shown} refused this program's schema for ${subject}: ${said(cause)}`);
    const next = "Give new fields a default (compare schemas/ with the subject's versions), or use another namespace.";
    return new TradetapeError("registry_refused", message, { next, cause: hidden(this.#address, cause) });
  }

  writer(id: number): WriterSchema | undefined {
    return this.#writers.get(id);
  }

  isStale(id: number): boolean {
    if (!this.#writers.has(id)) return true;
    const until = this.#askAgainAt.get(id);
    return until !== undefined && performance.now() >= until;
  }

  async fetch(id: number): Promise<WriterSchema> {
    const known = this.#writers.get(id);
    if (known !== undefined && !this.isStale(id)) return known;
    const found = await this.#ask(id);
    this.#writers.set(id, found);
    if ("reason" in found && !found.isHostile) this.#askAgainAt.set(id, performance.now() + KEPT_MS);
    else this.#askAgainAt.delete(id);
    return found;
  }

  async #ask(id: number): Promise<WriterSchema> {
    try {
      const schema: unknown = await (await this.#remote()).getSchema(id);
      this.#hasAnswered = true;
      if (avsc.Type.isType(schema, "record")) {
        requireBoundedTypes(schema as avsc.Type);
        return await this.#judged(id, schema as avsc.Type);
      }
      return { reason: `schema ${id} isn't an Avro record` };
    } catch (error) {
      if (error instanceof TradetapeError) throw error;
      if (error instanceof HostileSchema) return { reason: `schema ${id}: ${error.message}`, isHostile: true };
      const cause = error as HttpFailure;
      if (cause.status === 404 && (await this.#confirmsAbsence(id)))
        return { reason: `the registry has no schema ${id}` };
      if (cause.status !== undefined) throw registryUnreachable(this.#address, cause, this.#hasAnswered);
      // Not an answer over HTTP: the package couldn't make a type of the text it got.
      return { reason: this.#address.hide(`schema ${id} can't be used: ${cause.message}`) };
    }
  }

  async #judged(id: number, type: avsc.Type): Promise<WriterSchema> {
    const refusal = await this.#admission?.judge(id, type.name ?? "", this.#questions, this.#address);
    if (refusal === undefined) return { type };
    const refusedBy = (topic: EventTopic) => {
      const why = refusal(topic);
      // It may be registered under another subject, too, a moment later.
      if (why !== undefined && !this.#askAgainAt.has(id)) this.#askAgainAt.set(id, performance.now() + KEPT_MS);
      return why;
    };
    return { type, refusedBy };
  }

  /** The package drops the registry's own code: a 404 of anything else (a wrong path in the URL) is no answer. */
  async #confirmsAbsence(id: number): Promise<boolean> {
    try {
      return isFailure(await this.#questions.get(`/schemas/ids/${id}`), SCHEMA_NOT_FOUND);
    } catch (cause) {
      throw registryUnreachable(this.#address, cause as HttpFailure, this.#hasAnswered);
    }
  }
}

import avsc from "avsc";
import { strictType } from "./avro/strict-types.ts";
import type { EventOfTopic } from "./events.ts";
import { type LetterReason, Refusal } from "./letter.ts";
import type { Registry } from "./registry.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, type EventTopic } from "./schemas.ts";
import { type WireLayout, wireLayout } from "./wire-layout.ts";
import { countInMicros, type ForeignTime, foreignTimes } from "./writer-times.ts";

/** The wire format: magic byte 0, the schema's id as a big-endian int32, then Avro's bytes. */
export const HEADER_BYTES = 5;
export const MAGIC = 0;

/** The topics' own schemas, with the strict types on both sides. Built when first used: a program has a few topics. */
const types = new Map<EventTopic, avsc.Type>();

function typeOf(topic: EventTopic): avsc.Type {
  let type = types.get(topic);
  if (type === undefined) {
    const schema = JSON.parse(EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].json) as avsc.Schema;
    type = avsc.Type.forSchema(schema, { typeHook: strictType });
    types.set(topic, type);
  }
  return type;
}

/** Events are tens to hundreds of bytes; one buffer serves all of them and grows to the largest seen. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * An event's message value.
 * @param schemaId the id that the registry gave for the topic's schema
 * @param event one that `checkEvent` has accepted; absent fields take their defaults
 * @throws Error when the event doesn't fit the schema: a bug, as it was checked before
 */
export function encodeEvent(topic: EventTopic, schemaId: number, event: object): Buffer {
  const type = typeOf(topic);
  let end = type.encode(event, scratch, HEADER_BYTES);
  if (end < 0) {
    scratch = Buffer.allocUnsafeSlow(2 * (scratch.length - end));
    end = type.encode(event, scratch, HEADER_BYTES);
  }
  scratch[0] = MAGIC;
  scratch.writeInt32BE(schemaId, 1);
  const value = Buffer.allocUnsafe(end);
  scratch.copy(value, 0, 0, end);
  return value;
}

/** The id of the schema that a value says it is written with; undefined where it has none: no registry has one below 0. */
export function schemaIdOf(value: Buffer | null): number | undefined {
  if (value === null || value.length < HEADER_BYTES || value[0] !== MAGIC) return undefined;
  const id = value.readInt32BE(1);
  return id < 0 ? undefined : id;
}

/** Puts the schema's id into a value that was encoded before the id was known. */
export function stampSchemaId(value: Buffer, schemaId: number): void {
  value.writeInt32BE(schemaId, 1);
}

/** How to read one writer's events, or why it can't be done. */
type Resolution = Reading | Refusal;
interface Reading {
  /** Undefined where the writer's schema is ours. */
  readonly resolver: Resolver | undefined;
  readonly layout: WireLayout | undefined;
  readonly times: readonly ForeignTime[];
}
const MAY_CHANGE: ReadonlySet<LetterReason> = new Set(["unknown_schema", "foreign_schema"]);
type Resolver = ReturnType<avsc.Type["createResolver"]>;
/**
 * By Avro's rules a writer's record or enum is ours where the last part of its name is. A new object each time, because avsc
 * keeps in it what it has resolved of one writer.
 */
const unqualified = () => ({ ignoreNamespaces: true });

/**
 * Reads one topic's message values, synchronously, by one cached resolver per writer schema. Per batch: `missing`, then
 * `registry.fetch` of each id it names, then `read`.
 */
export class EventReader<T extends EventTopic = EventTopic> {
  readonly #registry: Registry;
  readonly #topic: EventTopic;
  readonly #type: avsc.Type;
  readonly #resolutions = new Map<number, Resolution>();
  #lastId = Number.NaN;
  #lastResolution: Resolution | undefined;

  constructor(topic: T, registry: Registry) {
    this.#registry = registry;
    this.#topic = topic;
    this.#type = typeOf(topic);
  }

  /**
   * Why no event of that schema can be read; undefined where they can.
   * @throws Error when the schema was not fetched: a bug of the caller
   */
  refusal(id: number): Refusal | undefined {
    const resolution = this.#resolve(id);
    return resolution instanceof Refusal ? resolution : undefined;
  }

  /**
   * How the events of that schema lie on the wire; undefined where they can only be read as objects, or not at all.
   * @throws Error when the schema was not fetched: a bug of the caller
   */
  layout(id: number): WireLayout | undefined {
    const resolution = this.#resolve(id);
    return resolution instanceof Refusal ? undefined : resolution.layout;
  }

  /**
   * Whether a writer's schema is the topic's own, but for what doesn't lie on the wire.
   * @throws Error when the schema was not fetched: a bug of the caller
   */
  isOwn(id: number): boolean {
    const resolution = this.#resolve(id);
    return !(resolution instanceof Refusal) && resolution.resolver === undefined;
  }

  /** The ids of writer schemas that `registry.fetch` has to be asked for before these values can be read. */
  missing(values: Iterable<Buffer | null>): number[] {
    const ids = new Set<number>();
    let last = Number.NaN;
    for (const value of values) {
      if (value === null || value.length < HEADER_BYTES || value[0] !== MAGIC) continue;
      const id = value.readInt32BE(1);
      if (id === last) continue;
      last = id;
      if (!this.#resolutions.has(id) && this.#registry.isStale(id)) ids.add(id);
    }
    return [...ids];
  }

  /**
   * The event, every field set (null or its default when the writer didn't have it), or a Refusal. Never throws for
   * what the bytes hold.
   * @throws Error when the value's schema was not fetched: a bug of the caller
   */
  read(value: Buffer | null): EventOfTopic[T] | Refusal {
    if (value === null) return new Refusal("null_value", "the message has no value");
    if (value.length < HEADER_BYTES) return new Refusal("not_avro", `${value.length} bytes, too short for a header`);
    if (value[0] !== MAGIC) return new Refusal("not_avro", `begins with byte ${value[0]}, not with 0`);
    const id = value.readInt32BE(1);
    const resolution = id === this.#lastId ? this.#lastResolution! : this.#resolve(id);
    return resolution instanceof Refusal ? resolution : this.#decode(value, resolution);
  }

  #decode(value: Buffer, { resolver, times }: Reading): EventOfTopic[T] | Refusal {
    try {
      const { value: event, offset } = this.#type.decode(value, HEADER_BYTES, resolver);
      if (offset === value.length) return countInMicros(event, times) ?? (event as EventOfTopic[T]);
      const detail = offset < 0 ? "the value ends early" : `${value.length - offset} bytes too many`;
      return new Refusal("undecodable", detail);
    } catch (error) {
      // Whatever avsc throws here, the bytes made it throw: they are the only input that varies.
      return new Refusal("undecodable", (error as Error).message);
    }
  }

  #resolve(id: number): Resolution {
    const resolution = this.#resolutions.get(id) ?? this.#createResolution(id);
    // What the registry may answer otherwise the next time that it is asked isn't remembered.
    if (resolution instanceof Refusal && MAY_CHANGE.has(resolution.reason)) return resolution;
    this.#resolutions.set(id, resolution);
    this.#lastId = id;
    this.#lastResolution = resolution;
    return resolution;
  }

  #createResolution(id: number): Resolution {
    const writer = this.#registry.writer(id);
    if (writer === undefined) throw new Error(`schema ${id} was not fetched before reading`);
    if ("type" in writer) {
      const refused = writer.refusedBy?.(this.#topic);
      return refused === undefined ? this.#resolveWriter(writer.type) : new Refusal("foreign_schema", refused);
    }
    return new Refusal(writer.isHostile ? "hostile_schema" : "unknown_schema", writer.reason);
  }

  #resolveWriter(writer: avsc.Type): Resolution {
    const event = EVENT_BY_TOPIC[this.#topic];
    const times = foreignTimes(event, writer);
    if (times instanceof Refusal) return times;
    // The transcoder counts no unit but ours.
    const layout = times.length === 0 ? wireLayout(event, writer) : undefined;
    // Without a resolver, avsc reads about a third faster. Equal means equal but for docs, defaults and logical types.
    if (times.length === 0 && this.#type.equals(writer)) return { resolver: undefined, layout, times };
    try {
      return { resolver: this.#type.createResolver(writer, unqualified()), layout, times };
    } catch (error) {
      return new Refusal("undecodable", `its schema can't be read as ours: ${(error as Error).message}`);
    }
  }
}

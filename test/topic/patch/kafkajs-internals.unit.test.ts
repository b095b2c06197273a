import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { kafkajsInternals } from "../../../src/topic/patch/kafkajs-internals.ts";
import { requireOwnFolder } from "../../../src/topic/patch/own-copy.ts";

const load = createRequire(import.meta.url);
type Class = new (...given: never[]) => object;
type Make = (data: object) => Record<string, Record<string, unknown>>;
interface Requests {
  readonly Produce: { protocol(of: object): Make };
  readonly Fetch: { protocol(of: object): Make };
}

/** Our copy of kafkajs with one module changed. */
const changed = (module: string, change: (real: never) => unknown) => (name: string) => {
  const real = load(`tradetape-kafkajs/${name}`);
  return name === module ? change(real as never) : real;
};

/** The class without one of its objects' members. */
const without = (member: string) => (Real: Class) =>
  class extends Real {
    constructor(...given: never[]) {
      super(...given);
      Object.defineProperty(this, member, { value: undefined });
    }
  };

/** The requests without a member of the calls of one of them. */
const withoutCall =
  (name: "Produce" | "Fetch", part: string, member: string) =>
  ({ requests }: { requests: Requests }) => {
    const protocol = (of: object) => (data: object) => {
      const call = requests[name].protocol(of)(data);
      return { ...call, [part]: { ...call[part], [member]: undefined } };
    };
    return { requests: { ...requests, [name]: { ...requests[name], protocol } } };
  };

const QUEUE = "src/network/requestQueue/index.js";
const CONNECTION = "src/network/connection.js";
const REQUESTS = "src/protocol/requests/index.js";
const ENCODER = "src/protocol/encoder.js";
const GROUP = "src/consumer/consumerGroup.js";
const BATCH = "src/consumer/batch.js";

const MISSING = [
  ["its own request queue's pending", "no pending in its request queue", QUEUE, without("pending")],
  ["the throttling's end", "no throttledUntil in its request queue", QUEUE, without("throttledUntil")],
  [
    "the throttling's timer",
    "no throttleCheckTimeoutId in its request queue",
    QUEUE,
    without("throttleCheckTimeoutId"),
  ],
  ["the look at held-back requests", "no checkPendingRequests in", QUEUE, without("checkPendingRequests")],
  ["what is replaced", "no scheduleCheckPendingRequests in", QUEUE, without("scheduleCheckPendingRequests")],
  ["requests without an answer", "no inflight in its request queue", QUEUE, without("inflight")],
  ["a request's time limit", "no requestTimeout in its request queue", QUEUE, without("requestTimeout")],
  ["whether there is a connection", "no isConnected in its request queue", QUEUE, without("isConnected")],
  ["the look at time limits", "no scheduleRequestTimeoutCheck in", QUEUE, without("scheduleRequestTimeoutCheck")],
  ["the end of that look", "no destroy in its request queue", QUEUE, without("destroy")],
  ["connections", "no connect in its connection", CONNECTION, without("connect")],
  ["a broker's host", "no host in its connection", CONNECTION, without("host")],
  ["a broker's port", "no port in its connection", CONNECTION, without("port")],
  ["an end of requests", "no rejectRequests in its connection", CONNECTION, without("rejectRequests")],
  ["heartbeats", "no heartbeat in its consumer group", GROUP, without("heartbeat")],
  ["fetches", "no fetch in its consumer group", GROUP, without("fetch")],
  ["how long a fetch waits", "no maxWaitTime in its consumer group", GROUP, without("maxWaitTime")],
  ["an encoder's bytes", "no buffer in its encoder", ENCODER, without("buffer")],
  ["texts", "no writeString in its encoder", ENCODER, without("writeString")],
  ["16 bits", "no writeInt16 in its encoder", ENCODER, without("writeInt16")],
  ["32 bits", "no writeInt32 in its encoder", ENCODER, without("writeInt32")],
  ["bytes", "no writeBuffer in its encoder", ENCODER, without("writeBuffer")],
  [
    "a produce request's bytes",
    "no encode in its produce request",
    REQUESTS,
    withoutCall("Produce", "request", "encode"),
  ],
  [
    "a produce answer's bytes",
    "no decode in its produce response",
    REQUESTS,
    withoutCall("Produce", "response", "decode"),
  ],
  [
    "a produce answer's errors",
    "no parse in its produce response",
    REQUESTS,
    withoutCall("Produce", "response", "parse"),
  ],
  ["a fetch's bytes", "no decode in its fetch response", REQUESTS, withoutCall("Fetch", "response", "decode")],
  ["a fetch's errors", "no parse in its fetch response", REQUESTS, withoutCall("Fetch", "response", "parse")],
  ["a batch's beginning", "no fetchedOffset in its batch", BATCH, without("fetchedOffset")],
  ["a batch's messages", "no messagesWithinOffset in its batch", BATCH, without("messagesWithinOffset")],
  ["produce requests altogether", "other insides", REQUESTS, () => ({ requests: {} })],
] as const;

describe("our copy of kafkajs", () => {
  it.each([
    ["/app/node_modules/tradetape-kafkajs", true],
    ["/app/node_modules/tradetape/node_modules/tradetape-kafkajs", true],
    ["/app/node_modules/.pnpm/kafkajs@2.2.4/node_modules/kafkajs", false],
    ["/app/node_modules/kafkajs", false],
  ])("is changed in a folder of its own alone: %s", (folder, isOwn) => {
    const check = () => requireOwnFolder(folder);
    if (isOwn) expect(check).not.toThrow();
    else expect(check).toThrow("install tradetape with npm");
  });

  it("is the one whose insides are known", () => {
    expect(Object.keys(kafkajsInternals())).toEqual(expect.arrayContaining(["RequestQueue", "requests", "Encoder"]));
  });

  it("is refused where it is of another version", () => {
    const other = changed("package.json", (real: object) => ({ ...real, version: "2.2.5" }));
    expect(() => kafkajsInternals(other)).toThrow("tradetape's own copy of kafkajs is 2.2.5");
  });

  it.each(MISSING)("is refused without %s: %s", (_, message, module, change) => {
    const refused = () => kafkajsInternals(changed(module, change as (real: never) => unknown));
    expect(refused).toThrow(`tradetape's own copy of kafkajs has ${message}`);
    expect(refused).toThrow("install it with the versions that its package.json asks for");
  });
});

import { createRequire } from "node:module";
import { afterEach, expect, it, vi } from "vitest";
import { kafkajsInternals } from "../../../src/topic/patch/kafkajs-internals.ts";
import { quietRequestQueue } from "../../../src/topic/patch/request-queue.ts";

type Queue = {
  pending: unknown[];
  inflight: Map<number, unknown>;
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  maybeThrottle(ms: number): void;
  push(request: object): void;
  fulfillRequest(response: object): void;
  destroy(): void;
};

function queueOf(maxInFlightRequests: number): { queue: Queue; sent: number[]; request: (id: number) => object } {
  quietRequestQueue(kafkajsInternals());
  const RequestQueue = createRequire(import.meta.url)("tradetape-kafkajs/src/network/requestQueue/index.js");
  const logger = { debug() {}, warn() {} };
  const queue = new RequestQueue({ maxInFlightRequests, requestTimeout: 1000, logger }) as Queue;
  const sent: number[] = [];
  const request = (correlationId: number) => ({
    entry: { correlationId, resolve() {}, reject() {} },
    expectResponse: true,
    sendRequest: () => sent.push(correlationId),
  });
  return { queue, sent, request };
}

afterEach(() => vi.useRealTimers());

it("a connection without held-back requests sets no timer", () => {
  const { queue, sent, request } = queueOf(5);
  queue.push(request(1));
  queue.fulfillRequest({ correlationId: 1, size: 0, payload: null });
  expect(sent).toEqual([1]);
  expect(queue.throttleCheckTimeoutId).toBeNull();
});

it("requests that are held back are sent when there is room", () => {
  const { queue, sent, request } = queueOf(1);
  queue.push(request(1));
  queue.push(request(2));
  expect(sent).toEqual([1]);
  queue.fulfillRequest({ correlationId: 1, size: 0, payload: null });
  expect(sent).toEqual([1, 2]);
  queue.destroy();
});

it("requests of a throttled connection are sent when the throttling ends, by the timer alone", () => {
  vi.useFakeTimers();
  const { queue, sent, request } = queueOf(5);
  queue.maybeThrottle(30);
  queue.push(request(1));
  vi.advanceTimersByTime(29);
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(sent).toEqual([1]);
  queue.destroy();
});

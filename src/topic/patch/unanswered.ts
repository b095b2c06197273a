import kafkajs from "tradetape-kafkajs";
import type { BrokerConnection, Internals, RequestQueue } from "./kafkajs-internals.ts";

/** kafkajs's own interval: how often it looks for requests whose time is over. */
const LOOK_MS = 100;

/**
 * Has every request end: by its answer, by its time limit, or by the end of its connection. A close of kafkajs's waits for
 * the answers that are due, and then ends the look at time limits and stops listening to the broker; a request that is sent
 * between these two, because it was being encoded, would wait for ever, and with it whoever asks.
 */
export function endUnanswered({
  RequestQueue: { prototype: queue },
  Connection: { prototype: connection },
}: Internals): void {
  const { destroy } = queue;
  queue.scheduleRequestTimeoutCheck = scheduleRequestTimeoutCheck;
  queue.destroy = function () {
    if (this.inflight.size === 0 && this.pending.length === 0) destroy.call(this);
  };
  const { connect } = connection;
  connection.connect = function () {
    const before = this.socket;
    const connected = connect.call(this);
    if (this.socket !== before) endWithSocket(this);
    return connected;
  };
}

function scheduleRequestTimeoutCheck(this: RequestQueue): void {
  clearInterval(this.requestTimeoutIntervalId);
  const look = () => {
    const now = Date.now();
    for (const request of this.inflight.values())
      if (now - request.sentAt > request.requestTimeout) request.timeoutRequest();
    if (!this.isConnected()) this.destroy();
  };
  this.requestTimeoutIntervalId = setInterval(look, Math.min(this.requestTimeout, LOOK_MS));
}

/** What a socket took along that has been replaced meanwhile ends by its time limit. */
function endWithSocket(connection: BrokerConnection): void {
  const { socket, host, port } = connection;
  socket?.once("close", () => {
    if (connection.socket !== socket) return;
    connection.rejectRequests(new kafkajs.KafkaJSConnectionError("Closed connection", { broker: `${host}:${port}` }));
  });
}

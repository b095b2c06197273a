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

/** A connection, as far as it logs in. */
interface LoginSide extends BrokerConnection {
  disconnect(): Promise<unknown>;
  /** Whether it has logged in, and its session isn't about to end; without SASL it never is. */
  isAuthenticated(): boolean;
  /** Logs in, once for all who ask meanwhile; without SASL it does nothing. */
  authenticate(this: LoginSide): Promise<void>;
  send(this: LoginSide, call: { readonly request: { readonly apiKey: number } }): Promise<unknown>;
}

/**
 * Has a connection end with a login that failed. kafkajs begins a login by telling the broker its mechanism, and asks for what it
 * logs in by behind that: where there is no token, or a password's file can't be read, the broker goes on waiting for it, and
 * takes another beginning, of this connection's next login, for a fault.
 */
export function endFailedLogins({ Connection }: Internals): void {
  const connection = Connection.prototype as LoginSide;
  const { authenticate, send } = connection;
  const ending = new WeakSet<LoginSide>();
  connection.authenticate = async function () {
    try {
      await authenticate.call(this);
    } catch (fault) {
      // Of all that wait for one login the first ends its connection.
      if (!ending.has(this)) {
        ending.add(this);
        await this.disconnect().finally(() => ending.delete(this));
      }
      throw fault;
    }
  };
  connection.send = async function (call) {
    if (!this.isAuthenticated() && !OF_LOGIN.has(call.request.apiKey)) await this.authenticate();
    return send.call(this, call);
  };
}

/** Kafka's numbers of what comes before a login, or is one: ApiVersions, SaslHandshake, SaslAuthenticate. */
const OF_LOGIN = new Set([18, 17, 36]);

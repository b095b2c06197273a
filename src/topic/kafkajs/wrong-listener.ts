import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { SYSTEM_CLOCK } from "../../clock.ts";
import { TradetapeError } from "../../errors.ts";
import { type KafkaFault, loginRefused, tlsRefused } from "./broker-refusal.ts";

/** How a client speaks to its brokers. */
export interface Speech {
  readonly isTls: boolean;
  readonly logsIn: boolean;
}

/** How a broker's port wants to be spoken to. */
interface Listener {
  readonly isTls: boolean;
  /** Its ways to log in; none where it asks for no login, undefined where it doesn't say. */
  readonly mechanisms: readonly string[] | undefined;
}

/** Nobody is there, or doesn't answer: the port has nothing to say of how it wants to be spoken to. */
const AWAY = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|timeout/i;
const ANSWER_MS = 3000;
const ANSWER_BYTES_MAX = 100_000;

/**
 * A broker that closes the connection says nothing, whether it is about to end or was spoken to in a way that its port doesn't
 * know: so the port is asked for its ways, without a login.
 * @param error what a client failed to open with
 * @returns tls_refused or login_refused where the port wants to be spoken to in another way; else the same error
 */
export async function explainClosed(error: unknown, speech: Speech): Promise<unknown> {
  if (!(error instanceof TradetapeError) || error.code !== "broker_unreachable") return error;
  let fault = error.cause as KafkaFault;
  while (fault.cause?.message) fault = fault.cause;
  if (fault.broker === undefined || AWAY.test(fault.message)) return error;
  const at = fault.broker.lastIndexOf(":");
  const [host, port] = [fault.broker.slice(0, at), Number(fault.broker.slice(at + 1))];
  const listener = (await askListener(connect({ host, port }), false)) ?? (await askTls(host, port));
  if (listener === undefined) return error;
  if (listener.isTls !== speech.isTls) {
    const [it, we, set] = listener.isTls ? ["TLS", "none", "true"] : ["no TLS", "TLS", "false"];
    const said = new Error(`its port speaks ${it}, and this program ${we} there`, { cause: error });
    return tlsRefused(said, `Set KAFKA_SSL_ENABLED=${set}, or name another port in KAFKA_BROKERS.`, fault.broker);
  }
  const { mechanisms = [] } = listener;
  if (speech.logsIn || mechanisms.length === 0) return error;
  const said = new Error(`${fault.broker} asks for a login (${mechanisms.join(", ")}), and none is set`, {
    cause: error,
  });
  return loginRefused(said, "Set KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and the password.");
}

const askTls = (host: string, port: number): Promise<Listener | undefined> =>
  askListener(connectTls({ host, port, rejectUnauthorized: false }), true);

/** Numbers of requests, each in a version that Kafka 1 to 4 have. */
const API_VERSIONS = [18, 0] as const;
const SASL_HANDSHAKE = [17, 1] as const;
/** A mechanism that nobody has: the answer names those that there are. */
const NO_MECHANISM = "NONE";
const UNSUPPORTED_SASL_MECHANISM = 33;
const ILLEGAL_SASL_STATE = 34;

async function askListener(socket: Socket, isTls: boolean): Promise<Listener | undefined> {
  const answers = new Answers(socket);
  try {
    const opened = await answers.until(isTls ? "secureConnect" : "connect");
    if (!opened) return undefined;
    socket.write(request(API_VERSIONS, Buffer.alloc(0)));
    const versions = await answers.next();
    // A handshake that was done is TLS, whatever comes of it.
    if (versions === undefined) return isTls ? { isTls, mechanisms: undefined } : undefined;
    socket.write(request(SASL_HANDSHAKE, text(NO_MECHANISM)));
    return { isTls, mechanisms: mechanismsOf(await answers.next()) };
  } finally {
    answers.end();
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Kafka's documentation, "Request Header v1", with the number 0 for its answer. */
function request([key, version]: readonly [number, number], body: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeInt16BE(key, 4);
  head.writeInt16BE(version, 6);
  const client = text("tradetape");
  head.writeInt32BE(head.length - 4 + client.length + body.length, 0);
  return Buffer.concat([head, client, body]);
}

function mechanismsOf(answer: Buffer | undefined): readonly string[] | undefined {
  const code = answer?.readInt16BE(0);
  if (code === ILLEGAL_SASL_STATE) return [];
  if (answer === undefined || code !== UNSUPPORTED_SASL_MECHANISM) return undefined;
  const names: string[] = [];
  let at = 6;
  for (let left = answer.readInt32BE(2); left > 0 && at < answer.length; left--) {
    const length = answer.readInt16BE(at);
    names.push(answer.toString("utf8", at + 2, at + 2 + length));
    at += 2 + length;
  }
  return names;
}

/** What comes by a connection to a port that may be anything's. */
class Answers {
  readonly #socket: Socket;
  readonly #stopWaiting: () => void;
  #bytes = Buffer.alloc(0);
  #isOver = false;
  #look = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#stopWaiting = SYSTEM_CLOCK.after(ANSWER_MS, () => this.#ended());
    for (const end of ["error", "close", "end"]) socket.on(end, () => this.#ended());
    socket.on("data", (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#look();
    });
  }

  #ended(): void {
    this.#isOver = true;
    this.#look();
  }

  /** @returns whether the event came */
  until(event: string): Promise<boolean> {
    return new Promise((resolve) => {
      this.#look = () => this.#isOver && resolve(false);
      this.#socket.once(event, () => resolve(true));
    });
  }

  /** The next answer's body; undefined where none comes that is Kafka's. */
  next(): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      this.#look = () => {
        const length = this.#bytes.length < 8 ? undefined : this.#bytes.readInt32BE(0);
        const isKafkas =
          length === undefined || (length >= 4 && length <= ANSWER_BYTES_MAX && this.#bytes.readInt32BE(4) === 0);
        if (length !== undefined && isKafkas && this.#bytes.length >= 4 + length) {
          const body = this.#bytes.subarray(8, 4 + length);
          this.#bytes = this.#bytes.subarray(4 + length);
          resolve(body);
        } else if (this.#isOver || !isKafkas) resolve(undefined);
      };
      this.#look();
    });
  }

  end(): void {
    this.#stopWaiting();
    this.#socket.destroy();
  }
}

import { pbkdf2Sync, randomBytes } from "node:crypto";
import { connect } from "node:net";

/** Kafka's number of AlterUserScramCredentials, and of SCRAM-SHA-512; Kafka's documentation, "Protocol". */
const [ALTER_USER_SCRAM_CREDENTIALS, SHA_512] = [51, 2];
const ITERATIONS = 4096;
/** Of the answer: its length, the correlation, no tags, the throttling, one result, then the user's name and a code. */
const NAME_AT = 4 + 4 + 1 + 4 + 1;

/**
 * Gives a user another password by SCRAM-SHA-512, for which kafkajs has no request. The broker goes by it a moment after.
 * @param port of a listener that takes everybody for its administrator
 */
export async function setScramPassword(port: number, user: string, password: string): Promise<void> {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 64, "sha512");
  const name = Buffer.from(user);
  const none = Buffer.from([1]);
  const request = Buffer.concat([
    int16(ALTER_USER_SCRAM_CREDENTIALS),
    int16(0),
    int32(1),
    ...[int16(5), Buffer.from("tests"), NO_TAGS],
    none,
    ...[Buffer.from([2]), compact(name), Buffer.from([SHA_512]), int32(ITERATIONS), compact(salt), compact(salted)],
    ...[NO_TAGS, NO_TAGS],
  ]);
  const answer = await exchange(port, Buffer.concat([int32(request.length), request]));
  const code = answer.readInt16BE(NAME_AT + 1 + name.length);
  if (code !== 0) throw new Error(`${user} gets no other password: the broker answers with error ${code}`);
}

const NO_TAGS = Buffer.from([0]);

/** Behind its length and 1, which one byte holds here. */
const compact = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([bytes.length + 1]), bytes]);

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Sends a request and reads the whole answer to it. */
function exchange(port: number, request: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect(port, "127.0.0.1");
  let answer = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    answer = Buffer.concat([answer, bytes]);
    if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return;
    resolve(answer);
    socket.destroy();
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("the broker hung up")));
  socket.write(request);
  return promise;
}

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Connection } from "../../src/table/connection.ts";

/** AuthenticationOk, a pooler's own number for the session, ReadyForQuery. */
const LOGGED_IN = Buffer.from("5200000008000000004b0000000c3b9aca01000000015a0000000549", "hex");

function fatal(text: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C08P01\0M${text}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

let server: Server;
let url: string;
/** What the server does about the login, and about the first statement behind it. */
let answers: readonly ((socket: Socket) => void)[];

beforeEach(async () => {
  server = createServer((socket) => {
    const left = [...answers];
    socket.on("data", () => left.shift()?.(socket));
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `postgres://ann:s3cr3t@127.0.0.1:${(server.address() as AddressInfo).port}/tape?sslmode=disable`;
});
afterEach(() => {
  vi.useRealTimers();
  server.close();
});

const logIn = (socket: Socket) => void socket.write(LOGGED_IN);

it("a login without a session behind it ends by itself, and says so: a pooler keeps clients waiting for minutes", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const asked = Promise.withResolvers<void>();
  answers = [logIn, () => asked.resolve()];
  const opening = Connection.open(url, { name: "test" });
  opening.catch(() => undefined);
  await asked.promise;
  vi.advanceTimersByTime(20_000);
  await expect(opening).rejects.toMatchObject({
    code: "database_unreachable",
    canRetry: true,
    message: expect.stringMatching(/took the login and gave no session within 20 s: is a pooler's last one taken\?$/),
  });
});

it.each([
  ["has no session free", [logIn, (socket: Socket) => void socket.end(fatal("query_wait_timeout"))]],
  [
    "takes no startup parameter",
    [(socket: Socket) => void socket.end(fatal("unsupported startup parameter: options"))],
  ],
])("a pooler that %s is told with its words, what it needs, and that it may pass", async (_, does) => {
  answers = does;
  await expect(Connection.open(url, { name: "test" })).rejects.toMatchObject({
    code: "database_unreachable",
    canRetry: true,
    message: expect.stringMatching(/query_wait_timeout|unsupported startup parameter: options/),
    next: expect.stringMatching(/TRADETAPE_DATABASE_SESSIONS_MAX.* options/),
  });
});

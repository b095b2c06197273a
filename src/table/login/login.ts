import { randomBytes } from "node:crypto";
import pg from "pg";
import { SYSTEM_CLOCK } from "../../clock.ts";
import { requireBinding } from "./channel-binding.ts";
import { type Host, requireOwnServer, toldPid } from "./own-server.ts";
import { prepareSession, type ServerStanding } from "./prepare-session.ts";
import type { Way } from "./ways.ts";

/** bigint comes as a number: offsets, counts and microseconds stay below 2^53 for 200 years. A larger one is a bug. */
const parseBigint = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`a bigint beyond 2^53 came back from PostgreSQL: ${text}`);
  return value;
};

const TYPES = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === pg.types.builtins.INT8
      ? parseBigint
      : pg.types.getTypeParser(oid, format as "text")) as typeof pg.types.getTypeParser,
};

/** Tells this process's sessions from those of another tradetape; 63 bytes of name are kept, so it comes first. */
export const processTag: string = randomBytes(4).toString("hex");

/** A login is answered within so long, or the server is taken for away. */
const LOGIN_MS = 10_000;

/**
 * How long the first statement may take. A pooler answers a login by itself and lets the first statement wait for a session
 * that is free, PgBouncer for two minutes.
 */
const FIRST_ANSWER_MS = 20_000;

/** @param host as errors name it */
export function newClient({ client: how, isBound }: Way, host: string, name: string): pg.Client {
  const client = new pg.Client({
    ...how,
    application_name: `tradetape/${processTag} ${name}`,
    types: TYPES,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: LOGIN_MS,
    // A statement that is given while others are under way is sent at once; answers come in the statements' order.
    pipeline: true,
  });
  if (isBound) requireBinding(client, host);
  return client;
}

/** A host, and the way by which a client was made for it. */
export interface HostByWay extends Host {
  readonly way: Way;
}

/**
 * Logs in and makes the session what others rely on.
 * @returns what the server is
 * @throws TradetapeError pooler_transaction_mode, and pg's own errors
 */
export async function login(
  client: pg.Client,
  host: HostByWay,
  { name, lockTimeoutMs = 0 }: { readonly name: string; readonly lockTimeoutMs?: number },
): Promise<ServerStanding> {
  await client.connect();
  return withinFirstAnswer(client, async () => {
    const standing = await prepareSession(client, lockTimeoutMs, toldPid(client));
    if (standing.pid === toldPid(client)) return standing;
    // A pooler stands between: of a server process that others get as well, nothing may be set.
    await requireOwnServer(client, host, standing.pid, () => openWitness(client, host, name));
    return prepareSession(client, lockTimeoutMs, standing.pid);
  });
}

/** A second login beside a client's, which ends with it: the pooler may have no session for it, and not say so. */
async function openWitness(client: pg.Client, { way, place }: HostByWay, name: string): Promise<pg.Client> {
  const witness = newClient(way, place, name);
  // What breaks it fails its next question, too.
  witness.on("error", () => {});
  client.once("end", () => witness.connection.stream.destroy());
  await witness.connect();
  return witness;
}

async function withinFirstAnswer<R>(client: pg.Client, ask: () => Promise<R>): Promise<R> {
  let isLate = false;
  const stopWaiting = SYSTEM_CLOCK.after(FIRST_ANSWER_MS, () => {
    isLate = true;
    client.connection.stream.destroy();
  });
  try {
    return await ask();
  } catch (error) {
    if (!isLate) throw error;
    const seconds = FIRST_ANSWER_MS / 1000;
    throw new Error(`took the login and gave no session within ${seconds} s: is a pooler's last one taken?`);
  } finally {
    stopWaiting();
  }
}

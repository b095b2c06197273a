import type pg from "pg";
import { TradetapeError } from "../../errors.ts";

/** One of a URL's hosts. */
export interface Host {
  /** The database's URL with this host alone. */
  readonly url: string;
  /** The same as errors name it. */
  readonly place: string;
}

/** How often both sides ask which server process they have. */
const ROUNDS = 3;

/** URLs at which this process has seen that each session has a server process to itself. */
const proven = new Set<string>();
/** This process's sessions through poolers, by URL, each with the server process that answered it first. */
const held = new Map<string, Map<pg.Client, number>>();

/** The server process that a login was told: a pooler gives each client a number of its own in its place. */
export const toldPid = (client: pg.Client): number | null =>
  (client as pg.Client & { readonly processID: number | null }).processID;

/**
 * Refuses a pooler that lends the server's session for a statement or a transaction at a time (PgBouncer's pool_mode
 * `transaction` and `statement`): what a session sets and prepares, and its temporary tables, would be another client's.
 * Sessions that are held at the same time have different server processes, and each keeps its own. A pooler that lends one
 * gives it to whoever asks next, or gives each question the next one in turn. Only pids are asked, so nothing is left behind.
 * @param pid of the server process that answered this client first
 * @param openAnother a second login, to ask beside it; only the first time, so that a process never holds one more for it
 * @throws TradetapeError pooler_transaction_mode
 */
export async function requireOwnServer(
  client: pg.Client,
  { url, place }: Host,
  pid: number,
  openAnother: () => Promise<pg.Client>,
): Promise<void> {
  const all = held.get(url) ?? new Map<pg.Client, number>();
  if ([...all.values()].includes(pid)) throw lent(place);
  held.set(url, all.set(client, pid));
  client.once("end", () => void all.delete(client));
  const witness = proven.has(url) ? undefined : await openAnother();
  try {
    const its = witness && (await askPid(witness));
    for (let round = 0; round < ROUNDS; round++) {
      // Each twice: two who only ask by turns get the same one each time from a pooler that has two and takes them in turn.
      for (let time = 0; time < 2; time++) if ((await askPid(client)) !== pid || its === pid) throw lent(place);
      for (let time = 0; time < 2; time++) if (witness && (await askPid(witness)) !== its) throw lent(place);
    }
  } finally {
    await witness?.end();
  }
  proven.add(url);
}

async function askPid(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]!.pid;
}

const lent = (place: string) =>
  new TradetapeError(
    "pooler_transaction_mode",
    `${place} is a pooler in transaction or statement mode: between two statements it lends the session to others`,
    { next: "Set pool_mode = session for this database in the pooler, or let DATABASE_URL lead to PostgreSQL itself." },
  );

import type pg from "pg";
import { TradetapeError } from "../../errors.ts";
import { type TlsFault, tlsFaultOf } from "../../own-file/tls-fault.ts";
import { ALLOW, ENCRYPT } from "../../settings/plaintext.ts";
import { readTransport, type Transport } from "../../settings/transport.ts";
import { tlsOptions } from "./tls.ts";

/** One way to log in to a host: what pg has to know of it. */
export interface Way {
  readonly client: pg.ClientConfig & { readonly enableChannelBinding: boolean };
  /** Whether a login that isn't bound to the TLS channel must fail. */
  readonly isBound: boolean;
}

/**
 * Logs in by the ways that sslmode allows, in its order: `prefer` by TLS first, `allow` in clear first.
 * @param host as errors name it
 * @throws TradetapeError config_invalid, also where the login could only go in clear to a host that isn't this machine; and
 * what `open` throws
 */
export async function byWays<C>(url: string, host: string, open: (way: Way) => Promise<C>): Promise<C> {
  const transport = readTransport(url);
  if (typeof transport === "string") {
    throw new TradetapeError("config_invalid", `the URL of ${host} ${transport}`, { next: "Correct the URL." });
  }
  const { ways, mode, binding } = transport;
  if (ways.length === 0) throw inClear(host);
  for (const isTls of ways.slice(0, -1)) {
    try {
      return await open(wayOf(transport, isTls));
    } catch (error) {
      if (!asksOtherWay(error)) throw error;
    }
  }
  try {
    return await open(wayOf(transport, ways.at(-1)!));
  } catch (error) {
    const wasOther = ways.length === 1 && binding !== "require" && (mode === "prefer" || mode === "allow");
    throw wasOther && lacksTls(error) ? inClear(host) : error;
  }
}

const wayOf = (transport: Transport, isTls: boolean): Way => ({
  client: {
    connectionString: transport.url,
    ssl: isTls && tlsOptions(transport),
    sslnegotiation: isTls ? transport.negotiation : "postgres",
    enableChannelBinding: isTls && transport.binding !== "disable",
  },
  isBound: transport.binding === "require",
});

const inClear = (host: string): TradetapeError =>
  new TradetapeError("config_invalid", `${host}: the login would go there in clear, and that isn't this machine`, {
    next: `${ENCRYPT} ${ALLOW}`,
  });

/** The server's rules (pg_hba.conf) have no line for such a login, as where they tell TLS from none. */
const INVALID_AUTHORIZATION = "28000";

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);

/** pg has no code for it. */
const lacksTls = (error: unknown): boolean =>
  error instanceof Error && error.message === "The server does not support SSL connections";

/** What of TLS itself failed: no certificate of a kind that is asked for, or none of this version's ciphers. */
export const tlsFaultAt = (error: unknown): TlsFault | undefined => (lacksTls(error) ? "protocol" : tlsFaultOf(error));

const asksOtherWay = (error: unknown): boolean =>
  tlsFaultAt(error) !== undefined || codeOf(error) === INVALID_AUTHORIZATION;

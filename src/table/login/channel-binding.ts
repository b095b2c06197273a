import type pg from "pg";
import { TradetapeError } from "../../errors.ts";

const BOUND = "SCRAM-SHA-256-PLUS";

/**
 * Holds a login to channel_binding=require, which pg doesn't know: a server that asks for the password in another way, or for
 * none, gets nothing, as somebody who stands between the two would have it. pg's own listeners come behind these, and write
 * into a connection that is closed.
 */
export function requireBinding(client: pg.Client, host: string): void {
  const { connection } = client;
  let hasProved = false;
  const refuse = (why: string) => {
    connection.stream.destroy();
    // pg is told at once: the rest of the same packet may say that the login is done.
    const refusal = new TradetapeError("login_refused", `${host} ${why}, and channel_binding=require is set`, {
      next: "Have the server use scram-sha-256 over TLS that no proxy ends, or leave channel_binding out.",
    });
    connection.emit("error", refusal);
  };
  connection.on("authenticationCleartextPassword", () => refuse("asks for the password in clear"));
  connection.on("authenticationMD5Password", () => refuse("asks for an MD5 of the password"));
  connection.on("authenticationSASL", ({ mechanisms }: { readonly mechanisms: readonly string[] }) => {
    if (!mechanisms.includes(BOUND)) refuse("offers no login that is bound to the TLS channel");
  });
  connection.on("authenticationSASLFinal", () => {
    hasProved = true;
  });
  connection.on("authenticationOk", () => {
    if (!hasProved) refuse("let the login in without one");
  });
}

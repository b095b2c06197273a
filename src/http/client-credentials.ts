import type { Agent } from "node:http";
import { SYSTEM_CLOCK } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import { type TlsFault, tlsFaultOf, tlsNext } from "../own-file/tls-fault.ts";
import { agentFor, ask, type HttpAnswer } from "./ask.ts";
import { noToken, type TokenSource } from "./tokens.ts";

/** A provider that accepts the connection and then says nothing must not hold a login for ever. */
const ANSWER_WITHIN_MS = 10_000;
/**
 * With so little of its life left a token begins no login: kafkajs logs in anew 10 s before a session ends with its token, and
 * would do so at each request where it got a session that is as short.
 */
const LEFT_MS_MIN = 20_000;
/** Of a long life a fifth, so that an hour's token outlasts a restart of its provider. */
const LEFT_SHARE_MIN = 0.2;
/** Logins fail by what the provider said, and don't each ask for themselves: some providers lock a client out. */
const FAILURE_KEPT_MS = 2000;

/** A client of an OIDC provider, as it is known there. */
export interface Client {
  /** What the tokens are for, as errors name it. */
  readonly place: string;
  /** How the settings' names begin, as in KAFKA_OAUTH. */
  readonly prefix: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly scope: string | undefined;
  readonly parameters: string | undefined;
  readonly caFile: string | undefined;
  /** As it is now. */
  readonly secret: () => string;
}

interface Held {
  readonly token: string;
  readonly untilMs: number;
}

/** Tokens by the client credentials grant (RFC 6749, 4.4). One is kept and given again until it is about to end. */
export class ClientCredentials implements TokenSource {
  readonly #client: Client;
  readonly #agent: Agent;
  readonly #now: () => number;
  #held: Held | undefined;
  #failed: { readonly fault: unknown; readonly untilMs: number } | undefined;
  #asked: Promise<string> | undefined;

  constructor(client: Client, now: () => number = SYSTEM_CLOCK.now) {
    this.#client = client;
    const ca = { name: `${client.prefix}_CA_FILE`, path: client.caFile };
    const none = { name: "", path: undefined };
    this.#agent = agentFor(client.tokenUrl, { ca, cert: none, key: none, passphrase: () => undefined });
    this.#now = now;
  }

  async token(): Promise<string> {
    const now = this.#now();
    if (this.#held !== undefined && now < this.#held.untilMs) return this.#held.token;
    if (this.#failed !== undefined && now < this.#failed.untilMs) throw this.#failed.fault;
    this.#asked ??= this.#renew().finally(() => {
      this.#asked = undefined;
    });
    return this.#asked;
  }

  refused(token: string): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  async #renew(): Promise<string> {
    const askedMs = this.#now();
    try {
      const { token, lifeMs } = this.#read(await this.#ask());
      this.#held = { token, untilMs: askedMs + lifeMs - Math.max(LEFT_MS_MIN, lifeMs * LEFT_SHARE_MIN) };
      return token;
    } catch (fault) {
      this.#failed = { fault, untilMs: this.#now() + FAILURE_KEPT_MS };
      throw fault;
    }
  }

  async #ask(): Promise<HttpAnswer> {
    const { tokenUrl, clientId, secret, scope, parameters, prefix } = this.#client;
    const body = new URLSearchParams(parameters);
    body.set("grant_type", "client_credentials");
    if (scope !== undefined) body.set("scope", scope);
    // Both are encoded like a form's values before they are joined (RFC 6749, 2.3.1).
    const login = [clientId, secret()].map((text) => new URLSearchParams([["", text]]).toString().slice(1)).join(":");
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
      authorization: `Basic ${Buffer.from(login).toString("base64")}`,
    };
    try {
      const asked = { method: "POST", headers, body: body.toString(), agent: this.#agent } as const;
      return await ask(tokenUrl, { ...asked, withinMs: ANSWER_WITHIN_MS });
    } catch (cause) {
      const fault = tlsFaultOf(cause);
      // The same try again fails again, as with every other service that there is no agreement with on TLS.
      if (fault !== undefined) throw this.#refusedByTls(fault, cause as Error);
      const next = `Check that the provider runs and that ${prefix}_TOKEN_URL names its token endpoint.`;
      throw this.#missing((cause as Error).message, { canRetry: true, next, cause });
    }
  }

  #read({ status, text }: HttpAnswer): { readonly token: string; readonly lifeMs: number } {
    const said = objectOf(text);
    const { access_token: token, token_type: type = "", expires_in: seconds = 0 } = said;
    if (status === 200 && typeof token === "string" && /^bearer$/i.test(String(type))) {
      return { token, lifeMs: Number(seconds) * 1000 || 0 };
    }
    const { prefix } = this.#client;
    // Nothing else of what is answered is told: it may be a token of another kind.
    const words = [said.error, said.error_description].filter((word) => typeof word === "string").join(": ");
    const isRefused = status === 400 || status === 401 || status === 403;
    const next = isRefused
      ? `Check ${prefix}_CLIENT_ID, ${prefix}_CLIENT_SECRET, ${prefix}_SCOPE and ${prefix}_PARAMETERS.`
      : `Check that ${prefix}_TOKEN_URL names the provider's token endpoint, and look at the provider's log.`;
    const why = `answers with status ${status}${words === "" ? " and no bearer token" : `: ${words.slice(0, 300)}`}`;
    throw this.#missing(why, { canRetry: status >= 500 || status === 408 || status === 429, next });
  }

  #missing(why: string, options: { canRetry: boolean; next: string; cause?: unknown }): TradetapeError {
    return noToken(this.#client.place, this.#said(why), options);
  }

  #refusedByTls(fault: TlsFault, cause: Error): TradetapeError {
    const { place, prefix } = this.#client;
    const address = `${prefix}_TOKEN_URL`;
    const named = { address, authority: `${prefix}_CA_FILE`, own: "", use: `http:// or https:// in ${address}` };
    const next =
      fault === "client"
        ? `Name an endpoint in ${address} that asks for no client's certificate: none can be given to it.`
        : tlsNext(fault, named);
    return new TradetapeError("tls_refused", `no token to log in to ${place} by: ${this.#said(cause.message)}`, {
      next,
      cause,
    });
  }

  /** The secret stands in none of it, whatever the provider repeats. */
  #said(why: string): string {
    const { tokenUrl, secret } = this.#client;
    const { origin, pathname } = new URL(tokenUrl);
    return `${origin}${pathname}: ${why.replaceAll(secret(), "***")}`;
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

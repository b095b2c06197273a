import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { z } from "zod";

/** What every answer carries: nothing is loaded from elsewhere, framed, kept, or guessed to be of another type. */
const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** A refusal as the page shows it, and whoever asks by hand. */
export interface Refused {
  readonly error: { readonly code: string; readonly message: string; readonly next: string | null };
}

export const refused = (code: string, message: string, next: string | null = null): Refused => ({
  error: { code, message, next },
});

/** The refusal of a question whose parameters aren't what they have to be. */
export function misread({ issues }: z.ZodError): Refused {
  const text = issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  return refused("input_invalid", text);
}

/**
 * Stands before every answer. A name that somebody else's DNS has led here isn't ours: `Host` is one of this machine's own
 * names, with our port.
 * @param hosts what `Host` may be
 */
export function guardHost(hosts: ReadonlySet<string>): MiddlewareHandler {
  return async (c, next) => {
    if (!hosts.has((c.req.header("host") ?? "").toLowerCase()))
      return c.json(refused("wrong_host", "this console is known by other names", `Open it by ${first(hosts)}.`), 421, {
        ...HEADERS,
      });
    await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
  };
}

const first = ([host]: ReadonlySet<string>): string => `http://${host}/`;

/**
 * Stands before whatever isn't a file of the page: who asks has the token, which no other site can read or have a browser
 * send by itself, as it would a cookie; and doesn't come from another site's page.
 */
export function guardToken(token: string, hosts: ReadonlySet<string>): MiddlewareHandler {
  const expected = digest(`Bearer ${token}`);
  return async (c, next) => {
    const origin = c.req.header("origin");
    const site = c.req.header("sec-fetch-site");
    const isForeign =
      (origin !== undefined && !hosts.has(origin.replace(/^http:\/\//, ""))) ||
      (site !== undefined && site !== "same-origin" && site !== "none");
    if (isForeign) return c.json(refused("other_site", "another site's page can't ask this console"), 403);
    // Digests are of one length, so that the comparison tells nothing by its time.
    if (timingSafeEqual(digest(c.req.header("authorization") ?? ""), expected)) return next();
    const how = "Open the address that `tradetape console` printed: the token is behind its #.";
    return c.json(refused("no_token", "this needs the console's token", how), 401);
  };
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

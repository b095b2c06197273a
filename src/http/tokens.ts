import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { TradetapeError } from "../errors.ts";
import { isToken } from "../settings/oauth.ts";

/** Where the tokens come from that logins are by. */
export interface TokenSource {
  /** A token for a login that begins now. @throws TradetapeError token_missing, tls_refused; file_unusable for a secret's file */
  token(): Promise<string>;
  /** A login by this token was refused: the next one is by another, where there is another. */
  refused(token: string): void;
}

/** How long a function of somebody else's may take to give a token. */
const GIVEN_WITHIN_MS = 10_000;

/** @param why what follows a colon @param place that the login is to */
export const noToken = (
  place: string,
  why: string,
  { canRetry, next, cause }: { readonly canRetry: boolean; readonly next: string; readonly cause?: unknown },
): TradetapeError =>
  new TradetapeError("token_missing", `no token to log in to ${place} by: ${why}`, { canRetry, next, cause });

/** A token that a setting has. @param read gives it as it is now */
export const fixedToken = (place: string, name: string, read: () => string | undefined): TokenSource => ({
  async token() {
    const text = read() ?? "";
    if (isToken(text)) return text;
    throw noToken(place, `what the file of ${name} holds is none`, {
      canRetry: true,
      next: "Put a token into the file: it is read at each login, also of a process that runs.",
    });
  },
  refused() {},
});

/**
 * Tokens that a function gives, asked at each login.
 * @param called what a message calls it by
 */
export const givenToken = (place: string, called: string, give: () => unknown): TokenSource => ({
  async token() {
    let token: unknown;
    try {
      token = await within(GIVEN_WITHIN_MS, async () => give());
    } catch (cause) {
      const next = "Look at what it does: it is asked again at the next login.";
      throw noToken(place, `${called}: ${(cause as Error)?.message ?? cause}`, { canRetry: true, next, cause });
    }
    if (typeof token === "string" && isToken(token)) return token;
    throw noToken(place, `${called} returned none`, {
      canRetry: false,
      next: "Have it return the token as a text, or a promise of one.",
    });
  },
  refused() {},
});

/** Tokens that the default export of a module gives. The module is loaded at the first login. */
export function tokenOfModule(place: string, name: string, path: string): TokenSource {
  const load = async (): Promise<TokenSource> => {
    try {
      const module = (await import(pathToFileURL(resolve(path)).href)) as { readonly default?: unknown };
      const give = module.default;
      if (typeof give !== "function") throw new Error(`${path} exports no function by default`);
      return givenToken(place, name, () => give() as unknown);
    } catch (cause) {
      throw noToken(place, `${name}: ${(cause as Error)?.message ?? cause}`, {
        canRetry: false,
        next: "Have it end with `export default async () => token`, and start the process again.",
        cause,
      });
    }
  };
  let loaded: Promise<TokenSource> | undefined;
  return {
    async token() {
      loaded ??= load();
      return (await loaded).token();
    },
    refused() {},
  };
}

async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`nothing within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([work(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

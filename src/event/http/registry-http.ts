import type { HttpFailure } from "./registry-fault.ts";

/** Nothing follows a redirect: the login would go to whoever is named. @param to may hold a token: its host alone is shown */
export function redirected(status: number, to: string | null | undefined): HttpFailure {
  const host = to && URL.canParse(to) ? ` to ${new URL(to).origin}` : "";
  return Object.assign(new Error(`what answers there redirects${host} (status ${status})`), { status });
}

/** Where a registry is. */
export interface RegistryAddress {
  /** The URL without user and password, to ask at. */
  readonly host: string;
  readonly username: string;
  readonly password: string;
  /** The same URL as errors name it. */
  readonly shown: string;
  /** A text that may hold parts of the URL, without those that may be secret. */
  hide(text: string): string;
}

/** What registries have in their paths; a proxy may have a token there, so nothing else is shown. */
const PATH_WORDS = /^(|api|apis|ccompat|confluent|registry|schema-registry|v\d+)$/;
const HIDDEN = "***";

export function registryAddress(url: string): RegistryAddress {
  const { protocol, host, pathname, username, password } = new URL(url);
  const parts = pathname.replace(/\/+$/, "").split("/");
  const secrets = parts.filter((part) => !PATH_WORDS.test(part));
  // What is as short as that is no token, and would be found in words.
  const spelt = secrets.flatMap((part) => [part, decoded(part)]).filter(({ length }) => length > 3);
  return {
    host: `${protocol}//${host}${parts.join("/")}`,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    shown: `${protocol}//${host}${parts.map((part) => (secrets.includes(part) ? HIDDEN : part)).join("/")}`,
    hide: (text) => spelt.reduce((left, secret) => left.replaceAll(secret, HIDDEN), text),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

import { requireBoundedText } from "../avro/schema-bounds.ts";
import { type HttpFailure, isRedirect } from "./registry-fault.ts";

/** A registry that accepts the connection and then says nothing must not hold a partition for ever. */
const REQUEST_TIMEOUT_MS = 10_000;
/**
 * The package's time limit ends with the connection: of an answer that is cut off in its middle it never hears again, and
 * waits for ever. This is longer than its four tries and the pauses between them.
 */
const QUESTION_TIMEOUT_MS = 60_000;

/** Nothing follows a redirect: the login would go to whoever is named. @param to may hold a token: its host alone is shown */
function redirected(status: number, to: string | null | undefined): HttpFailure {
  const host = to && URL.canParse(to) ? ` to ${new URL(to).origin}` : "";
  return Object.assign(new Error(`what answers there redirects${host} (status ${status})`), { status });
}

/** A successful HTTP answer as the package's outermost middleware sees it. */
interface Answer {
  status(): number;
  header(name: string): string | null | undefined;
  data(): unknown;
  request(): { path(): string };
}

/** The package's middleware for what it lacks: a time limit, and a look at who answered. */
export const guarded = () => ({
  request: (request: { enhance(change: object): unknown }) => request.enhance({ timeout: REQUEST_TIMEOUT_MS }),
  response: async (next: () => Promise<Answer>): Promise<Answer> => {
    const answer = await within(QUESTION_TIMEOUT_MS, next());
    if (isRedirect(answer.status())) throw redirected(answer.status(), answer.header("location"));
    const path = answer.request().path();
    const body = answer.data();
    if (holdsSchema(body)) requireBoundedText(body.schema);
    else if (path.startsWith("/schemas/ids/")) throw foreign(path);
    return answer;
  },
});

/** 408 is HTTP's word for a request that took too long. */
async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const tooLate = () => late.reject(Object.assign(new Error(`no whole answer within ${ms / 1000} s`), { status: 408 }));
  const timer = setTimeout(tooLate, ms);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const holdsSchema = (body: unknown): body is { readonly schema: string } =>
  typeof body === "object" && body !== null && "schema" in body && typeof body.schema === "string";

/**
 * Somebody else's page (a proxy's, a portal's) isn't the registry's answer, and would turn every event into a letter,
 * as written by a schema that can't be used. 502 is HTTP's word for a gateway that got nothing useful.
 */
const foreign = (path: string): HttpFailure =>
  Object.assign(new Error(`what answers ${path} is no schema registry`), { status: 502 });

/** What was answered as JSON; or the registry's own code for a failure, undefined where another program answered. */
export type Said = { readonly body: unknown } | { readonly failure: number | undefined; readonly status: number };

/** Asks the registry what the package doesn't, or drops of its answers. */
export interface RegistryQuestions {
  /** @throws HttpFailure when nobody answers */
  get(path: string): Promise<Said>;
  /** @throws HttpFailure */
  put(path: string, body: object): Promise<void>;
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

export function askRegistry(url: string): RegistryQuestions {
  const { host, username, password } = registryAddress(url);
  const headers: Record<string, string> = { "content-type": "application/vnd.schemaregistry.v1+json" };
  if (username !== "") headers.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const send = async (path: string, init: RequestInit = {}) => {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(`${host}${path}`, { ...init, headers, signal, redirect: "manual" });
    if (isRedirect(response.status)) throw redirected(response.status, response.headers.get("location"));
    return { ok: response.ok, status: response.status, text: await response.text() };
  };
  return {
    async get(path) {
      const { ok, status, text } = await send(path);
      const body = jsonOf(text);
      if (ok && body !== undefined) return { body };
      const code = (body as { error_code?: unknown } | null | undefined)?.error_code;
      return { failure: typeof code === "number" ? code : undefined, status };
    },
    async put(path, body) {
      const { ok, status, text } = await send(path, { method: "PUT", body: JSON.stringify(body) });
      if (!ok) throw Object.assign(new Error(`Error, status ${status}: ${text.slice(0, 200)}`), { status });
    },
  };
}

/** Confluent's API answers in JSON, also what is wrong; whoever stands in front of it doesn't. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { TradetapeError } from "../../errors.ts";
import { requireBoundedText } from "../avro/schema-bounds.ts";

/** A registry that accepts the connection and then says nothing must not hold a partition for ever. */
const REQUEST_TIMEOUT_MS = 10_000;
/**
 * The package's time limit ends with the connection: of an answer that is cut off in its middle it never hears again, and
 * waits for ever. This is longer than its four tries and the pauses between them.
 */
const QUESTION_TIMEOUT_MS = 60_000;

/** A request that failed: with the status that was answered, or without one when nobody answered. */
export interface HttpFailure extends Error {
  readonly status?: number;
}

/** The package's message without its own preamble (a connection that fails is a status 400 there), or fetch's cause. */
export const said = ({ message, cause }: HttpFailure): string =>
  cause instanceof Error ? cause.message : message.replace(/^tradetape - (Error, status 400: )?/, "");

/** @param host the registry's address, without a password */
export function registryUnreachable(host: string, cause: HttpFailure): TradetapeError {
  const isLogin = cause.status === 401 || cause.status === 403;
  return new TradetapeError("registry_unreachable", `${host}: ${said(cause)}`, {
    canRetry: true,
    next: isLogin
      ? "Check the user and password in SCHEMA_REGISTRY_URL."
      : "Check that the registry runs and that SCHEMA_REGISTRY_URL names it.",
    cause,
  });
}

/** A successful HTTP answer as the package's outermost middleware sees it. */
interface Answer {
  data(): unknown;
  request(): { path(): string };
}

/** The package's middleware for what it lacks: a time limit, and a look at who answered. */
export const guarded = () => ({
  request: (request: { enhance(change: object): unknown }) => request.enhance({ timeout: REQUEST_TIMEOUT_MS }),
  response: async (next: () => Promise<Answer>): Promise<Answer> => {
    const answer = await within(QUESTION_TIMEOUT_MS, next());
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
export type Said = { readonly body: unknown } | { readonly failure: number | undefined };

/** Asks the registry what the package doesn't, or drops of its answers. */
export interface RegistryQuestions {
  /** @throws HttpFailure when nobody answers */
  get(path: string): Promise<Said>;
  /** @throws HttpFailure */
  put(path: string, body: object): Promise<void>;
}

/** Where a registry is, without the user and password that may stand in its URL, and these. */
export function registryAddress(url: string): {
  readonly host: string;
  readonly username: string;
  readonly password: string;
} {
  const { protocol, host, pathname, username, password } = new URL(url);
  return {
    host: `${protocol}//${host}${pathname.replace(/\/+$/, "")}`,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

export function askRegistry(url: string): RegistryQuestions {
  const { host, username, password } = registryAddress(url);
  const headers: Record<string, string> = { "content-type": "application/vnd.schemaregistry.v1+json" };
  if (username !== "") headers.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const send = async (path: string, init: RequestInit = {}) => {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(`${host}${path}`, { ...init, headers, signal });
    return { ok: response.ok, status: response.status, text: await response.text() };
  };
  return {
    async get(path) {
      const { ok, text } = await send(path);
      const body = jsonOf(text);
      if (ok && body !== undefined) return { body };
      const code = (body as { error_code?: unknown } | null | undefined)?.error_code;
      return { failure: typeof code === "number" ? code : undefined };
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

import { ask } from "../../http/ask.ts";
import { requireBoundedText } from "../avro/schema-bounds.ts";
import type { RegistryDoor } from "./registry-door.ts";
import { type HttpFailure, isRedirect } from "./registry-fault.ts";
import { redirected } from "./registry-http.ts";

/** A registry that accepts the connection and then says nothing must not hold a partition for ever. */
const REQUEST_TIMEOUT_MS = 10_000;
/**
 * The package's time limit ends with the connection: of an answer that is cut off in its middle it never hears again, and
 * waits for ever. This is longer than its four tries and the pauses between them.
 */
const QUESTION_TIMEOUT_MS = 60_000;
/** HTTP's word for a login that isn't one. */
const UNAUTHORIZED = 401;

/** A successful HTTP answer as the package's outermost middleware sees it. */
interface Answer {
  status(): number;
  header(name: string): string | null | undefined;
  data(): unknown;
  request(): { path(): string };
}

/** A request as the package's middleware may change it. */
interface Request {
  enhance(change: { readonly timeout: number; readonly headers: object }): Request;
}

/** The package's middleware for what it lacks: a login that may change, a time limit, and a look at who answered. */
export const guarded = (door: RegistryDoor) => () => {
  let login = {};
  return {
    async prepareRequest(next: () => Promise<Request>, abort: (fault: unknown) => never): Promise<Request> {
      const request = await next();
      login = await door.login().catch(abort);
      return request.enhance({ timeout: REQUEST_TIMEOUT_MS, headers: login });
    },
    async response(next: () => Promise<Answer>): Promise<Answer> {
      const answer = await within(QUESTION_TIMEOUT_MS, next()).catch((failure: HttpFailure) => {
        if (failure.status === UNAUTHORIZED) door.refused(login);
        throw failure;
      });
      if (isRedirect(answer.status())) throw redirected(answer.status(), answer.header("location"));
      const path = answer.request().path();
      const body = answer.data();
      if (holdsSchema(body)) requireBoundedText(body.schema);
      else if (path.startsWith("/schemas/ids/")) throw foreign(path);
      return answer;
    },
  };
};

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
  /** @throws HttpFailure when nobody answers; TradetapeError where there is nothing to log in by */
  get(path: string): Promise<Said>;
  /** @throws HttpFailure, TradetapeError */
  put(path: string, body: object): Promise<void>;
}

export function askRegistry(door: RegistryDoor): RegistryQuestions {
  const send = async (method: "GET" | "PUT", path: string, body?: string) => {
    const login = await door.login();
    const headers = { "content-type": "application/vnd.schemaregistry.v1+json", ...login };
    const asked = { method, headers, body, agent: door.agent, withinMs: REQUEST_TIMEOUT_MS };
    const { status, location, text } = await ask(`${door.address.host}${path}`, asked).catch((cause: unknown) => {
      throw new Error("the registry wasn't asked", { cause });
    });
    if (status === UNAUTHORIZED) door.refused(login);
    if (isRedirect(status)) throw redirected(status, location);
    return { ok: status >= 200 && status < 300, status, text };
  };
  return {
    async get(path) {
      const { ok, status, text } = await send("GET", path);
      const body = jsonOf(text);
      if (ok && body !== undefined) return { body };
      const code = (body as { error_code?: unknown } | null | undefined)?.error_code;
      return { failure: typeof code === "number" ? code : undefined, status };
    },
    async put(path, body) {
      const { ok, status, text } = await send("PUT", path, JSON.stringify(body));
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

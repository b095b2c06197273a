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
    if (path.startsWith("/schemas/ids/") && !holdsSchema(answer.data())) throw foreign(path);
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

const holdsSchema = (body: unknown): boolean =>
  typeof body === "object" && body !== null && "schema" in body && typeof body.schema === "string";

/**
 * Somebody else's page (a proxy's, a portal's) isn't the registry's answer, and would turn every event into a letter,
 * as written by a schema that can't be used. 502 is HTTP's word for a gateway that got nothing useful.
 */
const foreign = (path: string): HttpFailure =>
  Object.assign(new Error(`what answers ${path} is no schema registry`), { status: 502 });

/** Asks the registry what the package doesn't, or drops of its answers. */
export interface RegistryQuestions {
  /** Its own code for a failure, undefined where another program answered. @throws HttpFailure when nobody answers */
  failureCode(path: string): Promise<number | undefined>;
  /** @throws HttpFailure */
  put(path: string, body: object): Promise<void>;
}

/** @param authorization the header's value, if the registry wants a login */
export function askRegistry(host: string, authorization: string | undefined): RegistryQuestions {
  const headers: Record<string, string> = { "content-type": "application/vnd.schemaregistry.v1+json" };
  if (authorization !== undefined) headers.authorization = authorization;
  const send = async (path: string, init: RequestInit = {}) => {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(`${host}${path}`, { ...init, headers, signal });
    return { ok: response.ok, status: response.status, text: await response.text() };
  };
  return {
    async failureCode(path) {
      const { ok, text } = await send(path);
      return ok ? undefined : errorCode(text);
    },
    async put(path, body) {
      const { ok, status, text } = await send(path, { method: "PUT", body: JSON.stringify(body) });
      if (!ok) throw Object.assign(new Error(`Error, status ${status}: ${text.slice(0, 200)}`), { status });
    },
  };
}

/** Confluent's API says with a number of its own, in JSON, what is wrong; whoever stands in front of it doesn't. */
function errorCode(text: string): number | undefined {
  try {
    const body = JSON.parse(text) as { error_code?: unknown } | null;
    return typeof body?.error_code === "number" ? body.error_code : undefined;
  } catch {
    return undefined;
  }
}

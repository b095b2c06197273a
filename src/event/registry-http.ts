/** A registry that accepts the connection and then says nothing must not hold a partition for ever. */
const REQUEST_TIMEOUT_MS = 10_000;

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
    const answer = await next();
    const path = answer.request().path();
    if (path.startsWith("/schemas/ids/") && !holdsSchema(answer.data())) throw foreign(path);
    return answer;
  },
});

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

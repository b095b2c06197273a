import http, { type Agent } from "node:http";
import https from "node:https";
import { readTlsFiles, type TlsFiles } from "../own-file/tls-files.ts";

/** Whoever answers with more isn't what was asked. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** What was answered to an HTTP request. */
export interface HttpAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly text: string;
}

interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly agent: Agent;
  /** How long the whole answer may take. */
  readonly withinMs: number;
}

/** Asks once, and follows no redirect: a login would go to whoever is named. @throws Error where no whole answer comes */
export function ask(url: string, { method, headers, body, agent, withinMs }: HttpRequest): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const signal = AbortSignal.timeout(withinMs);
  const request = (url.startsWith("https:") ? https : http).request(url, { method, headers, agent }, (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) request.destroy(new Error(`answers with more than ${ANSWER_BYTES_MAX} bytes`));
      chunks.push(chunk);
    });
    response.on("end", () => {
      const { statusCode = 0, headers: said } = response;
      resolve({ status: statusCode, location: said.location, text: Buffer.concat(chunks).toString("utf8") });
    });
    // Cut off in the middle of the answer.
    response.on("error", reject);
  });
  const late = () => request.destroy(new Error(`no whole answer within ${withinMs / 1000} s`));
  signal.addEventListener("abort", late);
  request.on("error", (error: NodeJS.ErrnoException) => {
    // One of several addresses of a name has no message, but a code.
    reject(error.message === "" ? new Error(error.code ?? error.name, { cause: error }) : error);
  });
  request.on("close", () => signal.removeEventListener("abort", late));
  request.end(body);
  return promise;
}

/**
 * What opens the connections to a URL. Each request has one of its own, with the files as they are then: questions are few,
 * and a file that was renewed, or a login that was taken away, counts from the next one on.
 * @throws TradetapeError where a file can't be used
 */
export function agentFor(url: string, files: TlsFiles): Agent {
  if (!url.startsWith("https:")) return new http.Agent();
  readTlsFiles(files);
  return new TlsAgent(files);
}

class TlsAgent extends https.Agent {
  readonly #files: TlsFiles;

  constructor(files: TlsFiles) {
    // A session that is resumed would go on as whom it began.
    super({ maxCachedSessions: 0 });
    this.#files = files;
  }

  override createConnection(...[options, callback]: Parameters<https.Agent["createConnection"]>) {
    return super.createConnection({ ...options, ...readTlsFiles(this.#files) }, callback);
  }
}

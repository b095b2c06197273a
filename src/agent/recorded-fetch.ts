import type { Answer, Asking, Call } from "./call.ts";
import type { Recorder } from "./recorder.ts";
import { linksHere, noteModel } from "./scope.ts";

/** As Node and browsers have it. */
export type Fetch = typeof globalThis.fetch;

/**
 * What a request asks: a POST whose body is a text or bytes, as the clients of OpenAI and Anthropic send it.
 * @returns null for any other request, which asks no model
 */
export async function askingOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): Promise<Asking | null> {
  const request = input instanceof Request ? input : null;
  const method = init?.method ?? request?.method ?? "GET";
  if (method.toUpperCase() !== "POST") return null;
  const body = init?.body ?? (request === null ? null : await request.clone().arrayBuffer());
  const text = typeof body === "string" ? body : bytesOf(body);
  if (text === null) return null;
  const { pathname, host } = new URL(request?.url ?? String(input));
  return { kind: "MODEL", name: pathname, provider: host, request: text };
}

/** A copy: its owner may change it before it is looked at. */
function bytesOf(body: unknown): Buffer | null {
  if (body instanceof ArrayBuffer) return Buffer.from(body.slice(0));
  return ArrayBuffer.isView(body) ? Buffer.from(new Uint8Array(body.buffer, body.byteOffset, body.byteLength)) : null;
}

/** A fetch whose calls are recorded. What it gives, and when, is what the other gives. */
export function recordedFetch(recorder: Recorder, fetch: Fetch): Fetch {
  return async (input, init) => {
    const asking = await askingOf(input, init);
    if (asking === null) return fetch(input, init);
    const read: Buffer[] = [];
    let answered: Pick<Answer, "type" | "status"> = { type: null, status: null };
    const standing = (error: string | null): Answer => ({
      response: answered.status === null ? null : Buffer.concat(read),
      ...answered,
      error: error ?? failureOf(answered.status),
    });
    const note = noteModel();
    const call = recorder.begin(asking, linksHere("MODEL"), () => standing("the answer was not read to its end"));
    const end = (error: string | null) => {
      note(call);
      recorder.end(call, standing(error));
    };
    try {
      const response = await fetch(input, init);
      answered = { type: response.headers.get("content-type"), status: response.status };
      if (response.body === null) end(null);
      return response.body === null ? response : readAlong(response, response.body, read, end);
    } catch (error) {
      end(causeOf(error));
      throw error;
    }
  };
}

const failureOf = (status: number | null): string | null =>
  status === null || (status >= 200 && status < 300) ? null : `HTTP ${status}`;

/** Of any value that can be thrown; a failed connection's reason is the cause of fetch's own error. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** The same answer, whose bytes are noted as its reader takes them: no earlier, and no others. */
function readAlong(
  response: Response,
  body: ReadableStream<Uint8Array>,
  read: Buffer[],
  end: (error: string | null) => void,
): Response {
  const reader = body.getReader();
  const along = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (value !== undefined) read.push(Buffer.from(value));
          if (value !== undefined) controller.enqueue(value);
          if (!done) return;
          end(null);
          controller.close();
        } catch (error) {
          end(causeOf(error));
          controller.error(error);
        }
      },
      cancel: async (reason) => {
        end("its reader gave it up");
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  const { status, statusText, headers } = response;
  const { url, redirected, type } = response;
  // A made response has none of these.
  return Object.defineProperties(new Response(along, { status, statusText, headers }), {
    url: { value: url },
    redirected: { value: redirected },
    type: { value: type },
  });
}

/** A tool whose calls are recorded: as it is given, but that its result is a promise. */
export type Tool<A extends unknown[], R> = (...args: A) => Promise<R>;

/** What a tool is asked, as a replay asks it again: its arguments as JSON. @throws TypeError of what JSON can't say */
export const askingOfTool = (name: string, args: readonly unknown[]): Asking => ({
  kind: "TOOL",
  name,
  provider: null,
  request: JSON.stringify(args),
});

/** Does a call of a tool and records it: its arguments and its result as JSON. */
export async function recordTool<R>(
  recorder: Recorder,
  asking: Asking,
  work: (call: Call) => R | Promise<R>,
): Promise<R> {
  const standing = (response: string | null, error: string | null): Answer => ({
    ...{ response, error, status: null },
    type: response === null ? null : "application/json",
  });
  const call = recorder.begin(asking, linksHere("TOOL"), () => standing(null, "it had not ended"));
  try {
    const result = await work(call);
    recorder.end(call, answerOf(result, standing));
    return result;
  } catch (error) {
    recorder.end(call, standing(null, causeOf(error)));
    throw error;
  }
}

/** Nothing is an empty text; what JSON can't say, as a circle, is told as that, because the call itself was good. */
function answerOf(result: unknown, standing: (response: string | null, error: string | null) => Answer): Answer {
  try {
    return standing(JSON.stringify(result) ?? "", null);
  } catch (error) {
    return standing(null, `its result is no JSON: ${causeOf(error)}`);
  }
}

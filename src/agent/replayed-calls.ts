import type { Cassette } from "./cassette.ts";
import { askingOf, askingOfTool, type Fetch } from "./recorded-fetch.ts";

/** A fetch whose calls of models are answered from the record; nothing is sent. What asks no model goes to the other fetch. */
export function replayedFetch(cassette: Cassette, fetch: Fetch): Fetch {
  return async (input, init) => {
    const asking = await askingOf(input, init);
    if (asking === null) return fetch(input, init);
    const { call, response } = await cassette.answer(asking);
    if (response === null || call.status === null) throw new TypeError(call.error ?? "fetch failed");
    const headers = new Headers(call.responseType === null ? {} : { "content-type": call.responseType });
    const isCutShort = call.error !== null && call.status >= 200 && call.status < 300;
    const body = isCutShort ? cutShort(response, call.error) : response === "" ? null : response;
    return new Response(body, { status: call.status, headers });
  };
}

/** As much of an answer as had come when it ended in an error, and the error. */
const cutShort = (text: string, error: string): ReadableStream<Uint8Array> => {
  const left = text === "" ? [] : [Buffer.from(text)];
  return new ReadableStream({
    pull: (controller) => {
      const next = left.shift();
      if (next === undefined) controller.error(new TypeError(error));
      else controller.enqueue(next);
    },
  });
};

/** A tool's result as it was recorded, read from JSON. @throws Error what the tool threw; TradetapeError replay_differs */
export async function replayTool(cassette: Cassette, name: string, args: readonly unknown[]): Promise<unknown> {
  const { call, response } = await cassette.answer(askingOfTool(name, args));
  if (response === null) throw new Error(call.error ?? "it gave no result");
  return response === "" ? undefined : JSON.parse(response);
}

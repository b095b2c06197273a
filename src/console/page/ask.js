const KEY = "tradetape token";

/** Takes the token out of the address that the console printed, so that it stands in no history, and keeps it for this tab. */
export function takeToken() {
  const [, token] = /^#token=([\w-]+)$/.exec(location.hash) ?? [];
  if (token === undefined) return;
  sessionStorage.setItem(KEY, token);
  history.replaceState(null, "", "#/overview");
}

const authorization = () => ({ Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` });

/** What the console answers; throws its refusal as an Error with `code` and `next`. */
export async function ask(path, body) {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(path, {
    ...init,
    headers: { ...authorization(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
  }).catch(() => undefined);
  if (response === undefined) throw refusal({ code: "away", message: "The console doesn't answer.", next: null });
  const answer = await response.json();
  if (!response.ok) throw refusal(answer.error);
  return answer;
}

const refusal = ({ code, message, next }) => Object.assign(new Error(message), { code, next });

const AGAIN_MS = 1000;

/**
 * Follows what goes on, until `signal` is aborted. A browser's own EventSource can't send the token.
 * @param onPiece is called with an event's name and its value
 * @param onState is called with "live", or with why it isn't
 */
export async function follow(signal, onPiece, onState) {
  while (!signal.aborted) {
    const why = await followOnce(signal, onPiece, () => onState("live")).catch((error) => error);
    if (signal.aborted) return;
    onState(why?.code === "no_token" ? "no token" : "not connected");
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function followOnce(signal, onPiece, onOpen) {
  const response = await fetch("/api/live", { headers: authorization(), signal });
  if (!response.ok) throw refusal((await response.json()).error);
  onOpen();
  let text = "";
  for await (const part of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
    text += part;
    const pieces = text.split("\n\n");
    text = pieces.pop();
    for (const piece of pieces) {
      const lines = piece.split("\n");
      const of = (name) =>
        lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 2));
      onPiece(of("event")[0], JSON.parse(of("data").join("\n")));
    }
  }
}

/** Safari's streams can't be iterated by themselves. */
async function* chunks(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield value;
  }
}

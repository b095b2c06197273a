import { checkJson } from "../../event/field/checks.ts";
import { documentsOf } from "./event-stream.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a request says of itself, in the wire form of OpenAI or Anthropic; null where it doesn't. */
interface Asked {
  readonly model: string | null;
  readonly seed: number | null;
  /** JSON text. */
  readonly parameters: string | null;
}

/** What an answer says of itself. */
interface Answered {
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly finish_reason: string | null;
  /** The provider's sentence about what went wrong. */
  readonly error: string | null;
}

const NOTHING_ASKED: Asked = { model: null, seed: null, parameters: null };

/** The conversation and what goes with it: all other members of a request say how it is to be answered. */
const CONVERSATION: ReadonlySet<string> = new Set([
  ...["model", "messages", "input", "instructions", "system", "tools", "functions", "prompt", "seed"],
]);
/** Larger ones, as the schema of an answer, are in the request alone. */
const PARAMETERS_LENGTH_MAX = 16 * 1024;

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const countOf = (value: unknown): number | null =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param request as it is kept: redacted */
export function readRequest(request: string): Asked {
  const fields = fieldsOf(parsed(request));
  const others = Object.entries(fields).filter(([name]) => !CONVERSATION.has(name));
  if (Object.keys(fields).length === 0) return NOTHING_ASKED;
  const parameters = JSON.stringify(Object.fromEntries(others));
  const isKept = others.length > 0 && parameters.length <= PARAMETERS_LENGTH_MAX && checkJson(parameters) === null;
  return {
    model: textOf(fields.model),
    seed: Number.isSafeInteger(fields.seed) ? (fields.seed as number) : null,
    parameters: isKept ? parameters : null,
  };
}

/** @param response as it is kept: redacted @param type its content type */
export function readResponse(response: string, type: string | null): Answered {
  const documents = isEventStream(type) ? documentsOf(response) : [parsed(response)];
  let told: Answered = { input_tokens: null, output_tokens: null, finish_reason: null, error: null };
  // A stream tells its figures bit by bit, and the last of each is the whole answer's.
  for (const document of documents) told = later(told, document);
  return told;
}

function later(told: Answered, document: unknown): Answered {
  const top = fieldsOf(document);
  const [message, response, delta] = [fieldsOf(top.message), fieldsOf(top.response), fieldsOf(top.delta)];
  const [choice] = Array.isArray(top.choices) ? top.choices : [];
  const usages = [top.usage, message.usage, response.usage].map(fieldsOf);
  const count = (...names: string[]) => first(usages.flatMap((usage) => names.map((name) => countOf(usage[name]))));
  const incomplete = fieldsOf(top.incomplete_details).reason ?? fieldsOf(response.incomplete_details).reason;
  const reasons = [fieldsOf(choice).finish_reason, top.stop_reason, delta.stop_reason, incomplete];
  const failure = typeof top.error === "string" ? { message: top.error } : fieldsOf(top.error ?? response.error);
  return {
    input_tokens: count("input_tokens", "prompt_tokens") ?? told.input_tokens,
    output_tokens: count("output_tokens", "completion_tokens") ?? told.output_tokens,
    finish_reason: first(reasons.map(textOf)) ?? statusOf(top, response) ?? told.finish_reason,
    error: textOf(failure.message) ?? textOf(failure.type) ?? told.error,
  };
}

const first = <V>(values: readonly (V | null)[]): V | null => values.find((value) => value !== null) ?? null;

/** Of OpenAI's "responses", which have a status in place of a reason. */
function statusOf(top: Fields, response: Fields): string | null {
  const status = top.object === "response" ? top.status : response.status;
  return status === "in_progress" || status === "queued" ? null : textOf(status);
}

/** Whether a content type is that of a stream of events. */
export const isEventStream = (type: string | null): boolean => /^text\/event-stream\b/i.test(type ?? "");

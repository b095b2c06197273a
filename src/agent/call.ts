import { isUtf8 } from "node:buffer";
import type { CallEvent } from "../event/events.ts";
import { idBy } from "../event/identity.ts";
import { WORKFLOW_HEADERS } from "../event/workflow.ts";
import { redactStream } from "./body/event-stream.ts";
import { type Body, bodyOf, bodyOfBytes, type Contents } from "./body/pieces.ts";
import { type RedactionRule, Redactor } from "./body/redact.ts";
import { isEventStream, readRequest, readResponse } from "./body/wire-form.ts";
import { callId, type Draft, finished } from "./draft.ts";
import type { AgentIdentity } from "./fields.ts";

/** What is asked of a model or a tool, as it was handed over. */
export interface Asking {
  readonly kind: CallEvent["kind"];
  readonly name: string;
  readonly provider: string | null;
  readonly request: string | Buffer;
}

/** What came of it. */
export interface Answer {
  /** Null where none came. */
  readonly response: string | Buffer | null;
  /** Its content type. */
  readonly type: string | null;
  /** HTTP; null where there was no answer, and of tools. */
  readonly status: number | null;
  /** Null where it succeeded. */
  readonly error: string | null;
}

/** Where a call stands: what it led to, and what led to it. */
export interface CallLinks {
  readonly prediction_id: string | null;
  readonly decision_id: string | null;
  readonly parent: Call | null;
}

/** What a call becomes: its own event, and the contents that it names. */
interface CallDrafts {
  readonly call: Draft<"calls">;
  readonly contents: readonly Draft<"contents">[];
}

/** PostgreSQL's text can't hold a NUL, and Avro's UTF-8 can't hold half a surrogate pair. */
const storable = (text: string): string => text.toWellFormed().replaceAll("\0", "\ufffd");
const storableOrNull = (text: string | null): string | null => (text === null ? null : storable(text));

/** The text of what was handed over; null where it is none. */
function textOf(handed: string | Buffer): string | null {
  if (typeof handed !== "string" && !isUtf8(handed)) return null;
  const text = handed.toString();
  return text.includes("\0") ? null : text.toWellFormed();
}

/** A call that has begun. Nothing of it is looked at before it has ended, so that it isn't held up. */
export class Call {
  readonly timestamp: number;
  readonly question: Asking;
  readonly #by: AgentIdentity;
  readonly #n: number;
  readonly #links: CallLinks;
  readonly #rules: readonly RedactionRule[];
  #asked: { readonly text: string | null; readonly sha256: string; readonly redactor: Redactor } | undefined;

  /** @param timestamp when it began, in microseconds @param n how many began in the same microsecond before it */
  constructor(
    by: AgentIdentity,
    question: Asking,
    timestamp: number,
    n: number,
    links: CallLinks,
    rules: readonly RedactionRule[],
  ) {
    this.question = question;
    this.timestamp = timestamp;
    this.#by = by;
    this.#n = n;
    this.#links = links;
    this.#rules = rules;
  }

  /** The request as it is kept, by which a replay finds its answer; its text is null where it isn't kept. */
  get asked(): { readonly text: string | null; readonly sha256: string } {
    return this.#askedOnce();
  }

  get id(): string {
    return callId(this.#by, this.timestamp, this.asked.sha256, this.#n);
  }

  #askedOnce() {
    if (this.#asked !== undefined) return this.#asked;
    const { request } = this.question;
    const redactor = new Redactor(this.#rules);
    const found = textOf(request);
    const text = found === null ? null : redactor.redact(found);
    const { sha256 } = text === null ? bodyOfBytes(Buffer.from(request)) : bodyOf(text, new Map());
    this.#asked = { text, sha256, redactor };
    return this.#asked;
  }

  /**
   * The events of the call, redacted.
   * @param endedUs when it ended, in microseconds
   * @param costOf what a call cost, by its model and its tokens
   * @throws TradetapeError input_invalid
   */
  drafts({ response, type, status, error }: Answer, endedUs: number, costOf: CostOf): CallDrafts {
    const { kind, name, provider, request } = this.question;
    const { text, redactor } = this.#askedOnce();
    const contents: Contents = new Map();
    const asked = text === null ? bodyOfBytes(Buffer.from(request)) : bodyOf(text, contents);
    const said = response === null ? null : textOf(response);
    const answered = said === null ? null : isEventStream(type) ? redactStream(said, redactor) : redactor.redact(said);
    const answer =
      response === null ? null : answered === null ? bodyOfBytes(Buffer.from(response)) : bodyOf(answered, contents);
    const isModel = kind === "MODEL";
    const of = isModel ? readRequest(text ?? "") : NO_MODEL;
    const told = isModel ? readResponse(answered ?? "", type) : NO_FIGURES;
    const tokens = { input_tokens: told.input_tokens, output_tokens: told.output_tokens };
    const wrong = error === null ? null : [error, told.error].filter((reason) => reason !== null).join(": ");
    const event: Required<CallEvent> = {
      call_id: this.id,
      timestamp: this.timestamp,
      ended_at: Math.max(endedUs, this.timestamp),
      kind,
      actor: this.#by.actor,
      name: storable(name),
      provider,
      ...{ model: storableOrNull(of.model), seed: of.seed, parameters: of.parameters, ...tokens },
      cost: costOf({ model: of.model, ...tokens }),
      status,
      finish_reason: storableOrNull(told.finish_reason),
      error: wrong === null ? null : storable(redactor.redact(wrong)),
      ...{
        request: asked.whole,
        request_pieces: asked.pieces,
        request_sha256: asked.sha256,
        request_bytes: asked.bytes,
      },
      ...responseOf(answer),
      response_type: storableOrNull(type),
      redacted: redactor.found(),
      parent_call_id: this.#links.parent?.id ?? null,
      prediction_id: this.#links.prediction_id,
      decision_id: this.#links.decision_id,
      strategy_id: this.#by.strategyId,
      backtest_session_id: this.#by.session ?? null,
    };
    const root = event.prediction_id ?? event.decision_id ?? event.call_id;
    return {
      call: finished("calls", this.#by, event, root, event.parent_call_id ?? undefined, {}),
      contents: [...contents].map(([sha256, body]) => this.#content(sha256, body)),
    };
  }

  #content(sha256: string, body: string): Draft<"contents"> {
    const { actor, session = null } = this.#by;
    const content_id = idBy("content", [sha256, session]);
    const event = { content_id, sha256, timestamp: this.timestamp, body, backtest_session_id: session };
    return { topic: "contents", event, headers: { [WORKFLOW_HEADERS.actor]: actor } };
  }
}

/** What a call cost, in the currency of the agent's books; null where nobody knows. */
export type CostOf = (call: {
  readonly model: string | null;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
}) => number | null;

const NO_MODEL = { model: null, seed: null, parameters: null };
const NO_FIGURES = { input_tokens: null, output_tokens: null, finish_reason: null, error: null };

const responseOf = (body: Body | null) => ({
  response: body?.whole ?? null,
  response_pieces: body?.pieces ?? null,
  response_sha256: body?.sha256 ?? null,
  response_bytes: body?.bytes ?? null,
});

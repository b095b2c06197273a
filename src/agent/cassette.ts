import { TradetapeError } from "../errors.ts";
import type { RedactionRule } from "./body/redact.ts";
import { firstDifference } from "./body/request-difference.ts";
import { type Asking, Call } from "./call.ts";
import type { AgentIdentity } from "./fields.ts";

/** A text as a call's row holds it: whole, or in pieces; neither where it isn't kept. */
interface KeptText {
  readonly whole: string | null;
  readonly pieces: readonly string[] | null;
}

/** A call as it was recorded. */
export interface RecordedCall {
  readonly id: string;
  readonly kind: Asking["kind"];
  readonly name: string;
  readonly request: KeptText;
  readonly requestSha256: string;
  readonly response: KeptText;
  /** Null where no answer came. */
  readonly responseSha256: string | null;
  readonly responseType: string | null;
  readonly status: number | null;
  readonly error: string | null;
}

/** Where recorded calls are read. */
export interface CallRecords {
  /** An actor's calls of a session, in the order in which they began. */
  readonly calls: (session: string, actor: string) => Promise<readonly RecordedCall[]>;
  /** The text that pieces make, in their order; null where one of them isn't there. */
  readonly join: (session: string, pieces: readonly string[]) => Promise<string | null>;
}

/** How far a replay is. */
export interface ReplayCounts {
  /** Calls that were answered from the record. */
  readonly answered: number;
  /** Recorded calls that nobody has asked for yet. */
  readonly left: number;
}

/** What a call is answered, as it was recorded. */
interface Replayed {
  readonly call: RecordedCall;
  /** Null where no answer came. */
  readonly response: string | null;
}

const EXCERPT = 60;

/** Answers calls by what a session recorded: each by its request's digest, and calls of one request in their order. */
export class Cassette {
  readonly #by: AgentIdentity;
  readonly #session: string;
  readonly #records: CallRecords;
  readonly #rules: readonly RedactionRule[];
  /** In the order in which they began. */
  readonly #left: Set<RecordedCall>;
  readonly #total: number;
  #differs: TradetapeError | undefined;

  private constructor(
    by: AgentIdentity,
    session: string,
    records: CallRecords,
    rules: readonly RedactionRule[],
    calls: readonly RecordedCall[],
  ) {
    this.#by = by;
    this.#session = session;
    this.#records = records;
    this.#rules = rules;
    this.#left = new Set(calls);
    this.#total = calls.length;
  }

  /** @throws TradetapeError input_invalid for a session in which the actor has recorded nothing; what reading throws */
  static async open(by: AgentIdentity, session: string, records: CallRecords, rules: readonly RedactionRule[]) {
    const calls = await records.calls(session, by.actor);
    if (calls.length > 0) return new Cassette(by, session, records, rules, calls);
    throw new TradetapeError("input_invalid", `${by.actor} has no calls in session ${session}`, {
      next: "Give a session in which this actor has recorded some, and let `calls` and `contents` land first.",
    });
  }

  counts(): ReplayCounts {
    return { answered: this.#total - this.#left.size, left: this.#left.size };
  }

  /** @throws TradetapeError replay_differs: the first difference, to each call from it on */
  async answer(asking: Asking): Promise<Replayed> {
    if (this.#differs !== undefined) throw this.#differs;
    const { asked } = new Call(
      this.#by,
      asking,
      0,
      0,
      { prediction_id: null, decision_id: null, parent: null },
      this.#rules,
    );
    const call = this.#find(asking, asked.sha256);
    if (call === undefined) throw this.#differ(await this.#difference(asking, asked.text));
    this.#left.delete(call);
    if (call.responseSha256 === null) return { call, response: null };
    const response = await this.#textOf(call.response);
    if (response !== null) return { call, response };
    throw this.#differ(
      `call ${call.id} can't be answered: its answer was no text, or a content of it isn't in the database`,
    );
  }

  #find({ kind, name }: Asking, sha256: string): RecordedCall | undefined {
    for (const call of this.#left) {
      if (call.requestSha256 === sha256 && call.kind === kind && call.name === name) return call;
    }
    return undefined;
  }

  /** What is asked, held against the first recorded call that is still to be asked for, of the same name where there is one. */
  async #difference({ kind, name }: Asking, text: string | null): Promise<string> {
    const left = [...this.#left];
    const ofKind = left.filter((call) => call.kind === kind);
    const recorded = ofKind.find((call) => call.name === name) ?? ofKind[0] ?? left[0];
    const now = `${kind} ${name}`;
    if (recorded === undefined) return `${now} is asked after all ${this.#total} recorded calls`;
    const nth = `${now} is asked where call ${recorded.id} of the record`;
    if (`${recorded.kind} ${recorded.name}` !== now) return `${nth} is ${recorded.kind} ${recorded.name}`;
    const before = await this.#textOf(recorded.request);
    if (before === null || text === null) return `${nth} has another request, and one of the two isn't kept`;
    const { path, was, is } = firstDifference(before, text, EXCERPT);
    return `${nth} has another ${path}: it was ${was} and is ${is}`;
  }

  async #textOf({ whole, pieces }: KeptText): Promise<string | null> {
    return pieces === null ? whole : this.#records.join(this.#session, pieces);
  }

  #differ(what: string): TradetapeError {
    this.#differs = new TradetapeError("replay_differs", `session ${this.#session}: ${what}`, {
      next: "Mend what differs, or record a session of its own with what is new.",
    });
    return this.#differs;
  }
}

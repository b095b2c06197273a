import { SYSTEM_CLOCK } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import type { EventTopic } from "../event/schemas.ts";
import { REDACTION_RULES, type RedactionRule } from "./body/redact.ts";
import { type Answer, type Asking, Call, type CallLinks, type CostOf } from "./call.ts";
import type { Draft } from "./draft.ts";
import type { AgentIdentity } from "./fields.ts";

/** How an agent's calls are recorded. */
export interface RecordingOptions {
  /** What is taken out before anything is published. Default: `REDACTION_RULES`; give these and your own to have both. */
  readonly redact?: readonly RedactionRule[];
  /** What a call of a model cost. Default: nobody knows. */
  readonly cost?: CostOf;
  /** So many bytes of requests and answers wait for the broker; what comes beyond is counted as lost. Default: 64 MiB. */
  readonly bufferBytesMax?: number;
}

/** How many calls of an agent were recorded. */
export interface RecordingCounts {
  /** Every replica has them. */
  readonly recorded: number;
  /** Nobody will have them: the buffer was full, or the tape was closed before the broker had answered. */
  readonly lost: number;
  /** Under way, or waiting for the broker. */
  readonly waiting: number;
}

/** As the tape does it: resolves when every replica has the event. */
export type PublishDraft = <T extends EventTopic>(draft: Draft<T>) => Promise<void>;

interface RecorderParts extends RecordingOptions {
  readonly by: AgentIdentity;
  /** Microseconds since 1970, UTC. */
  readonly now: () => number;
  readonly publish: PublishDraft;
  /** Says that calls are lost, and why. */
  readonly warn: (text: string) => void;
}

const MIB = 1024 * 1024;
const RETRY_MS = 1000;
/** Of so many moments a recorder knows how many calls began in them; of so many contents, that the broker has them. */
const KNOWN_MAX = 10_000;

interface Ended {
  readonly call: Call;
  readonly answer: Answer;
  readonly endedUs: number;
  readonly bytes: number;
}

/** Publishes calls behind the agent's back: no call waits for it, or fails because of it. */
export class Recorder {
  readonly #parts: RecorderParts;
  readonly #begun = new Map<number, number>();
  readonly #open = new Map<Call, () => Answer>();
  readonly #queue: Ended[] = [];
  /** The contents that are on their way or there, by their ids. */
  readonly #contents = new Map<string, Promise<void>>();
  #waitingBytes = 0;
  #unsent = 0;
  #counts = { recorded: 0, lost: 0 };
  #sending: Promise<void> | undefined;
  #isClosing = false;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /** @param standing how the call stands, if the tape is closed before it ends */
  begin(question: Asking, links: CallLinks, standing: () => Answer): Call {
    const { by, now, redact = REDACTION_RULES } = this.#parts;
    const timestamp = now();
    const n = this.#begun.get(timestamp) ?? 0;
    this.#begun.set(timestamp, n + 1);
    if (this.#begun.size > KNOWN_MAX) this.#begun.delete(this.#begun.keys().next().value!);
    const call = new Call(by, question, timestamp, n, links, redact);
    this.#open.set(call, standing);
    return call;
  }

  end(call: Call, answer: Answer): void {
    if (!this.#open.delete(call)) return;
    const bytes = call.question.request.length + (answer.response?.length ?? 0);
    if (this.#isClosing || this.#waitingBytes + bytes > (this.#parts.bufferBytesMax ?? 64 * MIB)) {
      this.#lose(this.#isClosing ? "the tape is closed" : `${this.#waitingBytes} bytes wait for the broker`);
      return;
    }
    this.#waitingBytes += bytes;
    this.#unsent++;
    this.#queue.push({ call, answer, endedUs: this.#parts.now(), bytes });
    this.#sending ??= this.#sendAll();
  }

  counts(): RecordingCounts {
    return { ...this.#counts, waiting: this.#open.size + this.#unsent };
  }

  /** Resolves when each call that has ended is recorded or lost. */
  async settled(): Promise<RecordingCounts> {
    while (this.#sending !== undefined) await this.#sending;
    return this.counts();
  }

  /** Takes the calls that are under way as they stand, and gives up what the broker refuses from now on. */
  async close(): Promise<void> {
    for (const [call, standing] of [...this.#open]) this.end(call, standing());
    this.#isClosing = true;
    await this.settled();
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const sent: Promise<void>[] = [];
      for (const ended of this.#queue.splice(0, 64)) {
        // Between two of them others have their turn: a large body takes a while to be looked through.
        await SYSTEM_CLOCK.turn();
        sent.push(this.#send(ended));
      }
      await Promise.all(sent);
    }
    this.#sending = undefined;
  }

  async #send({ call, answer, endedUs, bytes }: Ended): Promise<void> {
    try {
      const drafts = call.drafts(answer, endedUs, this.#parts.cost ?? (() => null));
      // A call that is there has its contents: nobody finds one of which a part is still to come.
      await Promise.all(drafts.contents.map((draft) => this.#once(draft)));
      await this.#surely(drafts.call);
      this.#counts.recorded++;
    } catch (error) {
      if (!(error instanceof TradetapeError)) throw error;
      this.#lose(error.message);
    } finally {
      this.#unsent--;
      this.#waitingBytes -= bytes;
    }
  }

  #once(draft: Draft<"contents">): Promise<void> {
    const { content_id } = draft.event;
    const known = this.#contents.get(content_id);
    if (known !== undefined) return known;
    const sent = this.#surely(draft);
    this.#contents.set(content_id, sent);
    sent.catch(() => this.#contents.delete(content_id));
    if (this.#contents.size > KNOWN_MAX) this.#contents.delete(this.#contents.keys().next().value!);
    return sent;
  }

  /** Tries again while a retry can help. @throws TradetapeError where none can, or the tape is closing */
  async #surely<T extends EventTopic>(draft: Draft<T>): Promise<void> {
    for (;;) {
      try {
        await this.#parts.publish(draft);
        return;
      } catch (error) {
        const mayPass = error instanceof TradetapeError && error.canRetry;
        if (!mayPass || this.#isClosing) throw error;
      }
      await SYSTEM_CLOCK.sleep(RETRY_MS);
    }
  }

  #lose(why: string): void {
    this.#counts.lost++;
    // Each power of ten: a broker that is away for a night would fill a log otherwise.
    if (/^10*$/.test(`${this.#counts.lost}`))
      this.#parts.warn(`${this.#counts.lost} calls of the agent aren't recorded: ${why}`);
  }
}

import type { Clock } from "../../clock.ts";
import type { PublishProgress } from "../../tradetape/tape.ts";
import { count, leftText, type Progress, rateOf, type Status } from "../progress.ts";

/** How often programs are told, and how long a broker may be silent before it is told of, and then again. */
const REPORT_MS = 5000;

/** How many there were at the last report. */
interface Reported {
  readonly read: number;
  readonly acknowledged: number;
  readonly rejected: number;
  readonly atMs: number;
}

interface FeedProgressParts {
  readonly name: string;
  /** Bytes of the file, and of how many; null where nobody knows. */
  readonly bytes: () => { readonly read: number; readonly total: number | null };
  readonly progress: Pick<Progress, "line" | "status">;
  /** The same for programs; nothing is told to them where this is undefined. */
  readonly event?: ((event: object) => void) | undefined;
  readonly clock: Pick<Clock, "now" | "every">;
}

/** Tells how far a feed is: what was read, what the broker has acknowledged, what waits for it, what was rejected. */
export class FeedProgress {
  readonly #parts: FeedProgressParts;
  readonly #status: Status;
  readonly #stop: () => void;
  readonly #startedMs: number;
  #reported: Reported;
  #events = 0;
  #rejected = 0;
  #acknowledged = 0;
  /** Instruments on their way, which aren't the feed's own events. */
  #symbols = 0;
  /** When the broker last answered, or the first of what waits was sent. */
  #sinceMs: number;
  #isSilent = false;
  /** Whether the publisher takes no more events for now. */
  readingWaits = false;

  constructor(parts: FeedProgressParts) {
    this.#parts = parts;
    this.#startedMs = this.#sinceMs = parts.clock.now();
    this.#reported = { read: 0, acknowledged: 0, rejected: 0, atMs: this.#startedMs };
    this.#status = parts.progress.status();
    this.#stop = parts.clock.every(this.#status.everyMs, () => this.#tell());
  }

  /** Tells that the first lines were published by an earlier run. */
  goesOn(lines: number): void {
    this.#say(`${this.#parts.name}: going on behind line ${count(lines)}`, { event: "resumed", lines });
  }

  rejected(lines: number): void {
    this.#rejected += lines;
  }

  sent(events: number): void {
    if (this.#waiting === 0) this.#sinceMs = this.#parts.clock.now();
    this.#events += events;
  }

  readonly acked = ({ acked }: Pick<PublishProgress, "acked">): void => {
    this.#acknowledged = acked;
    this.#answered();
  };

  /** Waits for the acknowledgement of instruments. */
  async symbols(sent: Promise<{ readonly sent: number }>, count: number): Promise<void> {
    if (this.#waiting === 0) this.#sinceMs = this.#parts.clock.now();
    this.#symbols += count;
    await sent;
    this.#symbols -= count;
    if (count > 0) this.#answered();
  }

  get #waiting(): number {
    return this.#events - this.#acknowledged + this.#symbols;
  }

  #answered(): void {
    const { clock } = this.#parts;
    if (this.#isSilent) {
      const afterMs = Math.round(clock.now() - this.#sinceMs);
      this.#say(`the broker answers again, after ${seconds(afterMs)} s`, { event: "broker_answers", afterMs });
    }
    this.#isSilent = false;
    this.#sinceMs = clock.now();
  }

  #say(text: string, event: object): void {
    this.#parts.progress.line(text);
    this.#parts.event?.({ ...event, file: this.#parts.name });
  }

  /** @param isLast whether nothing is told after it */
  #tell(isLast = false): void {
    const { clock, name, bytes } = this.#parts;
    const sinceMs = clock.now() - this.#reported.atMs;
    const now = { read: this.#events + this.#rejected, acknowledged: this.#acknowledged, rejected: this.#rejected };
    const perSecond = (what: keyof typeof now) => Math.round(rateOf(now[what] - this.#reported[what], sinceMs));
    const rates = {
      readPerSecond: perSecond("read"),
      acknowledgedPerSecond: perSecond("acknowledged"),
      rejectedPerSecond: perSecond("rejected"),
    };
    const { read, total } = bytes();
    const share = total === null ? "" : ` ${Math.floor((read / total) * 100)} %`;
    const left = leftText({ done: read, total: total ?? undefined }, rateOf(read, clock.now() - this.#startedMs));
    const counts = [
      `read ${count(now.read)} (${count(rates.readPerSecond)}/s)`,
      `acknowledged ${count(now.acknowledged)} (${count(rates.acknowledgedPerSecond)}/s)`,
      `waiting ${count(this.#waiting)}`,
      `rejected ${count(now.rejected)} (${count(rates.rejectedPerSecond)}/s)`,
    ];
    this.#status.set(`${name}${share}: ${counts.join(", ")}${left}`);
    // A timer may fire a moment early by this clock: the next time would be a whole report too late.
    if (sinceMs + this.#status.everyMs / 2 < REPORT_MS && !isLast) return;
    this.#reported = { ...now, atMs: clock.now() };
    this.#parts.event?.({ event: "progress", file: name, ...now, waiting: this.#waiting, ...rates });
    this.#tellSilence();
  }

  #tellSilence(): void {
    const forMs = Math.round(this.#parts.clock.now() - this.#sinceMs);
    if (this.#waiting === 0 || forMs < REPORT_MS) return;
    this.#isSilent = true;
    const { readingWaits } = this;
    const too = readingWaits ? ", and the reading waits, too" : "";
    this.#say(`the broker hasn't answered for ${seconds(forMs)} s: ${count(this.#waiting)} events wait${too}`, {
      event: "broker_silent",
      forMs,
      waiting: this.#waiting,
      readingWaits,
    });
  }

  /** Tells the last state and no more. */
  end(): void {
    this.#stop();
    this.#tell(true);
    this.#status.end();
  }
}

const seconds = (ms: number): string => count(Math.round(ms / 1000));

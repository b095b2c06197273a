import { MultiBar, Presets } from "cli-progress";
import { count } from "../errors.ts";
import type { Log } from "../log.ts";

export { count } from "../errors.ts";

/** One count on its way. `total` may be unknown, and may grow. */
export interface Bar {
  set(done: number, total?: number): void;
  /** The last state stays on the screen. */
  end(): void;
}

/** A sentence that changes. */
export interface Status {
  /** How often it is worth changing: each time is a line where there is no terminal. */
  readonly everyMs: number;
  set(text: string): void;
  /** The last state stays on the screen. */
  end(): void;
}

export interface Progress {
  /** A finished step, as a sentence. */
  line(text: string): void;
  /** @param begunAt where it stood before: what was done then counts for no rate */
  bar(name: string, total: number | undefined, unit: string, begunAt?: number): Bar;
  status(): Status;
  /** Gives the terminal back; lines may follow. */
  close(): void;
}

/** Often enough to see that it moves, seldom enough that a log of an hour's work can be read. */
const PLAIN_EVERY_MS = 5000;
const LOGGED_EVERY_MS = 60_000;
const TERMINAL_EVERY_MS = 500;

export const rateOf = (done: number, ms: number): number => (done * 1000) / Math.max(1, ms);

/** How long the rest takes at the rate so far; nothing where no end is known, or it is reached. */
export function leftText({ done, total }: { done: number; total: number | undefined }, rate: number): string {
  if (total === undefined || done >= total || rate <= 0) return "";
  const seconds = Math.ceil((total - done) / rate);
  if (seconds < 120) return `, ${seconds} s left`;
  return seconds < 7200 ? `, ${Math.ceil(seconds / 60)} min left` : `, ${Math.ceil(seconds / 3600)} h left`;
}

/** Bars on a terminal, plain lines elsewhere; both on standard error, so that results can be piped. */
export function openProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? terminalProgress(stream) : plainProgress((text) => stream.write(`${text}\n`), Date.now);
}

/** The progress of a service that nobody looks at: its sentences are lines of its log, which sums up the rest by itself. */
export const loggedProgress = (log: Log): Progress => ({
  line: (text) => log.info(text),
  bar: () => ({ set: () => {}, end: () => {} }),
  status: () => ({ everyMs: LOGGED_EVERY_MS, set: (text) => log.info(text), end: () => {} }),
  close: () => {},
});

/** @param now milliseconds; handed in so that a test needn't wait. */
export function plainProgress(write: (text: string) => void, now: () => number): Progress {
  return {
    line: write,
    close: () => {},
    status: () => ({ everyMs: PLAIN_EVERY_MS, set: write, end: () => {} }),
    bar: (name, firstTotal, unit, begunAt = 0) => {
      const startedMs = now();
      let saidMs = startedMs;
      let said: number | undefined;
      let last = { done: 0, total: firstTotal };
      const say = () => {
        // Beside a long one, a short bar stands still for most of its life.
        if (said === last.done) return;
        said = last.done;
        const rate = rateOf(last.done - begunAt, now() - startedMs);
        const of = last.total === undefined ? "" : ` of ${count(last.total)}`;
        write(`${name}: ${count(last.done)}${of} ${unit}, ${count(Math.round(rate))}/s${leftText(last, rate)}`);
      };
      return {
        set: (done, total) => {
          last = { done, total: total ?? last.total };
          if (now() - saidMs < PLAIN_EVERY_MS) return;
          saidMs = now();
          say();
        },
        end: say,
      };
    },
  };
}

function terminalProgress(stream: NodeJS.WriteStream): Progress {
  let bars: MultiBar | undefined;
  const openBars = () => {
    bars ??= new MultiBar(
      {
        stream,
        hideCursor: true,
        format: "{name} {bar} {value}/{total} {unit}, {rate}/s{left}",
        formatValue: (v, _options, kind) => (kind === "value" || kind === "total" ? count(v) : String(v)),
      },
      Presets.shades_grey,
    );
    return bars;
  };
  const close = () => {
    bars?.stop();
    bars = undefined;
  };
  return {
    line: (text) => {
      // Above the bars while there are any; the library wants the newline with the text.
      if (bars) bars.log(`${text}\n`);
      else stream.write(`${text}\n`);
    },
    close,
    status: () => {
      const bar = openBars().create(0, 0, { text: "" }, { format: "{text}" });
      return { everyMs: TERMINAL_EVERY_MS, set: (text) => bar.update({ text }), end: () => bar.stop() };
    },
    bar: (name, firstTotal, unit, begunAt = 0) => {
      const startedMs = Date.now();
      const facts = (done: number, total: number | undefined) => {
        const rate = rateOf(done - begunAt, Date.now() - startedMs);
        return { rate: count(Math.round(rate)), left: leftText({ done, total }, rate) };
      };
      const bar = openBars().create(firstTotal ?? 0, 0, { name: name.padEnd(12), unit, rate: "0", left: "" });
      return {
        set: (done, total) => {
          // An unknown total follows the count: a full bar that keeps growing promises nothing.
          bar.setTotal(total ?? firstTotal ?? done);
          bar.update(done, facts(done, total ?? firstTotal));
        },
        end: () => bar.stop(),
      };
    },
  };
}

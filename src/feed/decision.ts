import { TradetapeError } from "../errors.ts";

/** One thing that reading a file rests on, and what settled it: nothing else is ever assumed about the file. */
export interface Decision {
  /** As in "zone", "decimal sign", "columns not used". */
  readonly what: string;
  readonly value: string;
  /** "the format", "the header", "the file (n of n rows)", a flag, "--map", or "the rule" of docs/feeds.md. */
  readonly decidedBy: string;
}

/** Something that neither the file nor a flag nor a map decides. */
export interface Question {
  readonly what: string;
  /** A sentence: what is undecided, with a piece of the file that shows it. */
  readonly why: string;
  /** The flag that decides it, as in "--decimal comma|dot". */
  readonly flag: string;
  /** The answers a flag takes, where they are few: option of `FeedOptions` and its values. */
  readonly choices?: {
    readonly option: "decimal" | "dateFormat" | "market" | "asset";
    readonly values: readonly string[];
  };
  /** Where a map says it, as in "numbers.decimal". */
  readonly place?: string;
}

/** Collects what is decided about one file, and everything that isn't, so that a person is asked once. */
export class Decisions {
  readonly made: Decision[] = [];
  readonly questions: Question[] = [];

  take(what: string, value: string, decidedBy: string): void {
    this.made.push({ what, value, decidedBy });
  }

  /** @returns `meanwhile`, which stands in until the answer is there: nothing is published before */
  ask<T>(question: Question, meanwhile: T): T {
    if (!this.questions.some(({ what }) => what === question.what)) this.questions.push(question);
    return meanwhile;
  }

  /** @throws TradetapeError input_invalid that names everything undecided and the flag for each */
  refuseUndecided(file: string): void {
    if (this.questions.length === 0) return;
    const count = this.questions.length;
    const why = this.questions.map(({ why }) => why).join("; ");
    throw new TradetapeError(
      "input_invalid",
      `${file} leaves ${count === 1 ? "one thing" : `${count} things`} undecided: ${why}`,
      {
        next: `Say ${this.questions.map(({ flag }) => flag).join(", and ")}. --map says everything about a file at once.`,
      },
    );
  }
}

/** How many rows of the sample said something, for `decidedBy`. */
export const byRows = (fitting: number, rows: number): string => `the file (${fitting} of ${rows} rows)`;

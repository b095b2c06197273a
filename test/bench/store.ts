import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** What can be measured of a subject, with its unit. */
export const ASPECTS = {
  rate: "events/s",
  wholeRate: "events/s with the process's start",
  nodeUs: "us of Node an event",
  postgresUs: "us of PostgreSQL an event",
  brokerUs: "us of the broker an event",
  residentMb: "MB resident at most",
  p50Ms: "ms p50",
  p99Ms: "ms p99",
  p999Ms: "ms p99.9",
  ms: "ms",
  lagMax: "events of lag at most",
  lagLast: "events of lag at the end",
  parked: "events parked",
  nodePercent: "% of a core, Node",
  postgresPercent: "% of a core, PostgreSQL",
  brokerPercent: "% of a core, broker",
  growthPercent: "% growth of resident memory",
  indexMb: "MB of indexes",
} as const;

export type Aspect = keyof typeof ASPECTS;
export type Figures = Partial<Record<Aspect, number>>;
/** One piece of a bench: figures by subject, as in { a: { rate: 200000 } }. */
export type Piece = Readonly<Record<string, Figures>>;

/** What figures are only comparable under: machine, versions, code, sizes, seed. */
export type About = Readonly<Record<string, string | number>>;

interface Kept {
  readonly about: About;
  readonly pieces: Record<string, Piece>;
}

/** The figures so far, in a file that is whole at any moment: a bench that was stopped goes on where it was. */
export class Store {
  readonly #file: string;
  readonly #kept: Kept;

  /**
   * @param resume goes on with the file's pieces
   * @throws Error when the file's figures were measured under something else
   */
  constructor(file: string, about: About, resume: boolean) {
    this.#file = file;
    const before = resume && existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Kept) : undefined;
    if (before) {
      const other = Object.keys(about).filter((name) => name !== "date" && before.about[name] !== about[name]);
      const load = other.filter((name) => !name.startsWith("load"));
      if (load.length > 0) throw new Error(`${file} was measured with another ${load.join(", ")}: leave out --resume`);
    }
    this.#kept = { about: before?.about ?? about, pieces: { ...before?.pieces } };
  }

  get about(): About {
    return this.#kept.about;
  }

  has(key: string): boolean {
    return this.#kept.pieces[key] !== undefined;
  }

  /** Measures a piece, unless its figures are there. */
  async once(key: string, measure: () => Promise<Piece>): Promise<Piece> {
    const known = this.#kept.pieces[key];
    if (known) return known;
    const piece = await measure();
    this.#kept.pieces[key] = piece;
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(this.#kept, null, 1)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
    return piece;
  }

  /** All figures of a subject's aspect, in the order of the rounds. */
  values(subject: string, aspect: Aspect): number[] {
    const found = Object.values(this.#kept.pieces).map((piece) => piece[subject]?.[aspect]);
    return found.filter((value) => value !== undefined);
  }

  /** The subjects there are figures of, in the order in which they were first measured. */
  get subjects(): readonly string[] {
    return [...new Set(Object.values(this.#kept.pieces).flatMap((piece) => Object.keys(piece)))];
  }
}

import { closeSync, openSync, writeSync } from "node:fs";
import { TradetapeError } from "../../errors.ts";
import type { Rejection } from "../../feed/feed.ts";
import { printable } from "../output.ts";

/** A rejected line and the file it stands in. */
interface RejectedLine extends Rejection {
  readonly file: string;
}

/** As many lines as a person reads; the count says how many there were. */
const SHOWN_MAX = 20;
/** With --json the lines are kept in memory until the end: some 20 MB of them at most. */
const KEPT_MAX = 100_000;

/** Collects rejected lines: the first few for the screen, many for --json, all of them in a file if one is named. */
export class Rejects {
  readonly #keep: number;
  readonly #path: string | undefined;
  readonly #descriptor: number | undefined;
  readonly kept: RejectedLine[] = [];
  count = 0;

  /** @throws TradetapeError input_invalid when the file can't be written */
  constructor(json: boolean, path: string | undefined) {
    this.#keep = json ? KEPT_MAX : SHOWN_MAX;
    this.#path = path;
    if (path === undefined) return;
    try {
      this.#descriptor = openSync(path, "w");
    } catch (cause) {
      throw new TradetapeError("input_invalid", `--rejects: ${(cause as Error).message}`, { cause });
    }
  }

  add(rejected: RejectedLine): void {
    this.count += 1;
    if (this.kept.length < this.#keep) this.kept.push(rejected);
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, `${JSON.stringify(rejected)}\n`);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }

  /** One line per rejection, and where the others are. */
  text(): string {
    const lines = this.kept.map(({ file, line, reason }) => `${file}:${line}: ${printable(reason)}`);
    const more = this.count - this.kept.length;
    if (more > 0 && this.#path === undefined) lines.push(`and ${more} more: --rejects FILE writes them all`);
    if (this.#path !== undefined && this.count > 0) lines.push(`all ${this.count} are in ${this.#path}`);
    return lines.join("\n");
  }
}

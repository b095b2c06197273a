import { closeSync, fstatSync, fsyncSync, writeSync } from "node:fs";
import { TradetapeError } from "../../errors.ts";
import type { Rejection } from "../../feed/feed.ts";
import { openOwnFile } from "../../own-file.ts";
import { printable } from "../output.ts";

/** What the screen and --json show of a rejected line, and the file it stands in. */
interface RejectedLine {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
}

/** As many lines as a person reads; the count says how many there were. */
const SHOWN_MAX = 20;
/** With --json the lines are kept in memory until the end: some 20 MB of them at most. */
const KEPT_MAX = 100_000;

/** Collects rejected lines: the first few for the screen, many for --json, all of them, with their texts, in a file. */
export class Rejects {
  readonly #keep: number;
  readonly #path: string | undefined;
  readonly #descriptor: number | undefined;
  readonly kept: RejectedLine[] = [];
  count = 0;

  /**
   * @param path a file to append to, so that no run takes away what another one wrote
   * @throws TradetapeError input_invalid when the file can't be written
   */
  constructor(json: boolean, path: string | undefined) {
    this.#keep = json ? KEPT_MAX : SHOWN_MAX;
    this.#path = path;
    if (path === undefined) return;
    this.#descriptor = named(() => openOwnFile(path, "append"));
  }

  /** Writes the line at once, so that whoever follows the file sees it while the feed runs. */
  add(file: string, { line, reason, text, damage }: Rejection): void {
    this.count += 1;
    if (this.kept.length < this.#keep) this.kept.push({ file, line, reason });
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    const rejected = { at: new Date().toISOString(), file, line, reason, text, damage };
    named(() => writeSync(descriptor, `${JSON.stringify(rejected)}\n`));
  }

  /** Has the disk hold what was written so far; a pipe or a terminal has none. */
  sync(): void {
    const descriptor = this.#descriptor;
    if (descriptor !== undefined && fstatSync(descriptor).isFile()) named(() => fsyncSync(descriptor));
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    this.sync();
    closeSync(this.#descriptor);
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

/** @throws TradetapeError input_invalid for what the file system says */
function named<R>(act: () => R): R {
  try {
    return act();
  } catch (cause) {
    throw new TradetapeError("input_invalid", `--rejects: ${(cause as Error).message}`, { cause });
  }
}

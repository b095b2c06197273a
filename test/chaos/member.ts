import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** An end that nobody asked for. */
export interface OwnEnd {
  readonly member: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lastLines: string;
  /** A start that found a service away and said so: what starts it again is to try later. */
  readonly isRefusedStart: boolean;
}

export interface MemberOptions {
  readonly name: string;
  /** Node's arguments. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  /** Told of an end that nobody asked for; the member is started again by itself. */
  readonly onOwnEnd: (end: OwnEnd) => void;
}

const START_AGAIN_MS = 1000;
/** A stop drains what is in hand; with a service away it can't, and a second signal makes it give up. */
const STOP_WITHIN_MS = 45_000;
const LAST_LINES = 8;
const CANT_NOW = 2;
/** What a consumer says once a group of its own has joined: it has started then, and has to outlast any outage. */
const HAS_WORKED = /"msg":"partitions assigned"/;

/** A process that is meant to run until it is ended, and is started again when it ends by itself. */
export class Member {
  readonly name: string;
  readonly #options: MemberOptions;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #isStopped = false;
  #ended: Promise<number | null> = Promise.resolve(0);
  /** Where in the log this start's own words begin. */
  #logFrom = 0;
  /** Whether a fault has it in hand: then no other may. */
  isBusy = false;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.name = options.name;
    this.#logFile = join(options.folder, `${options.name}.log`);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    if (this.#child) throw new Error(`${this.name} runs already`);
    this.#isStopped = false;
    const log = openSync(this.#logFile, "a");
    this.#logFrom = fstatSync(log).size;
    const child = spawn(process.execPath, [...this.#options.args], {
      env: this.#options.env,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#child = child;
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        process.removeListener("exit", end);
        if (this.#child === child) this.#endedByItself(code, signal);
        // The signal's own doing where it came before the program's first line: it had nothing in hand.
        resolve(signal === "SIGTERM" ? 0 : code);
      });
    });
  }

  #endedByItself(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = undefined;
    const said = readFileSync(this.#logFile).subarray(this.#logFrom).toString();
    const lastLines = said.trimEnd().split("\n").slice(-LAST_LINES).join("\n");
    const isRefusedStart = code === CANT_NOW && !HAS_WORKED.test(said) && lastLines.includes('"canRetry":true');
    this.#options.onOwnEnd({ member: this.name, code, signal, lastLines, isRefusedStart });
    this.#startAgain();
  }

  /** Behind a fault that has it in hand: what is frozen may have ended just before. */
  #startAgain(): void {
    setTimeout(() => {
      if (this.#child || this.#isStopped) return;
      if (this.isBusy) this.#startAgain();
      else this.start();
    }, START_AGAIN_MS);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** kill -9: the process has no say in it. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#isStopped = true;
    this.#child = undefined;
    child?.kill("SIGKILL");
    await this.#ended;
  }

  /** As a person stops it. @returns its exit code, or null when it had to be killed */
  async stop(): Promise<number | null> {
    const child = this.#child;
    this.#isStopped = true;
    this.#child = undefined;
    if (child === undefined) return 0;
    child.kill("SIGTERM");
    const late = sleep(STOP_WITHIN_MS, "late" as const, { ref: false });
    if ((await Promise.race([this.#ended, late])) === "late") child.kill("SIGKILL");
    return this.#ended;
  }
}

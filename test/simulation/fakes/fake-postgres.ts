import { TradetapeError } from "../../../src/errors.ts";
import type { Connection, ConnectionOptions, OpenSession } from "../../../src/table/connection.ts";
import type { FaultRates } from "../faults.ts";
import type { Copy } from "../statements/statement-context.ts";
import { doStatement } from "../statements/statements.ts";
import type { Process, VirtualTime } from "../virtual-time.ts";
import { FakeDatabase } from "./fake-database.ts";
import { databaseError, Transaction } from "./fake-table.ts";

/** How long the server takes to see that a client is gone: at once when the machine answers, else by keepalive. */
const SEEN_MS_MAX = 50;
const HALF_OPEN_MS_MAX = 60_000;

const REFUSALS = ["40001", "40P01", "53200", "57014"] as const;

/** The server's half of a session. Lives on by itself when the client is gone. */
export class Backend {
  readonly pid: number;
  readonly name: string;
  readonly process: Process;
  readonly lockTimeoutMs: number;
  readonly ended: Promise<never>;
  readonly stage = new Map<string, { offset: number; fields: (Buffer | null)[] }[]>();
  isAlive = true;
  tx: Transaction | undefined;
  #end!: (error: Error) => void;

  constructor(pid: number, process: Process, options: ConnectionOptions) {
    this.pid = pid;
    this.process = process;
    this.name = `tradetape/${process.name} ${options.name}`;
    this.lockTimeoutMs = options.lockTimeoutMs ?? 0;
    this.ended = new Promise((_, reject) => {
      this.#end = reject;
    });
    this.ended.catch(() => undefined);
  }

  /** Rolls back and is gone. */
  terminate(code: string): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.rollback();
    this.#end(databaseError(code, "terminating connection", { severity: "FATAL" }));
  }

  begin(now: number): Transaction {
    this.tx = new Transaction(this, now);
    return this.tx;
  }

  /** @param history gets what was committed, by which a failover can take it back */
  commit(history: Transaction[]): void {
    const { tx } = this;
    this.tx = undefined;
    for (const step of tx?.atCommit ?? []) step();
    if (tx !== undefined && tx.undo.length > 0) history.push(tx);
    for (const rows of this.stage.values()) rows.length = 0;
    tx?.end();
  }

  rollback(): void {
    const { tx } = this;
    this.tx = undefined;
    tx?.rollbackTo(0, 0);
    for (const rows of this.stage.values()) rows.length = 0;
    tx?.end();
  }
}

/** PostgreSQL, as far as landing can tell: sessions that break, statements that wait, commits whose answer is lost. */
export class FakePostgres {
  readonly database: FakeDatabase;
  readonly backends = new Set<Backend>();
  /** What has been committed, in order. */
  readonly history: Transaction[] = [];
  readonly #time: VirtualTime;
  readonly #faults: FaultRates;
  #pids = 0;
  /** Until when nobody can log in. */
  downUntilMs = 0;

  #isUnheard: ((text: string, session: string) => boolean) | undefined;

  constructor(time: VirtualTime, faults: FaultRates, isUnheard?: (text: string, session: string) => boolean) {
    this.#time = time;
    this.#faults = faults;
    this.#isUnheard = isUnheard;
    this.database = new FakeDatabase(time);
  }

  /** An immediate shutdown: what has not committed is gone, and nobody is answered until the restart. */
  restart(downMs: number): void {
    this.#time.note("postgres-down", () => `${downMs} ms`);
    this.downUntilMs = this.#time.now + downMs;
    for (const backend of this.backends) backend.terminate("57P01");
    this.backends.clear();
  }

  /** A failover to a replica that lacks the last commits. */
  failOver(commits: number): void {
    this.restart(this.#time.random.between(100, 2000));
    for (let n = 0; n < commits; n++) this.history.pop()?.rollbackTo(0, 0);
    this.#time.note("fail-over", () => `without the last ${commits} commits`);
  }

  /** Whether a script has it that the answer to this is lost; the first such one only. */
  losesAnswer(text: string, session: string): boolean {
    if (!this.#isUnheard?.(text, session)) return false;
    this.#isUnheard = undefined;
    return true;
  }

  openFor(process: Process): OpenSession {
    return async (_url, options) => {
      const { random } = this.#time;
      await this.#time.delay(random.between(1, 10), process);
      const isRefused = this.#time.now < this.downUntilMs || random.chance(this.#faults.login);
      if (isRefused) {
        this.#time.note("login-refused", () => `${process.name} ${options.name}`);
        await this.#time.delay(random.between(1, 50), process);
        throw new TradetapeError("database_unreachable", "sorry, too many clients already", { canRetry: true });
      }
      const backend = new Backend(++this.#pids, process, options);
      this.backends.add(backend);
      return new FakeSession(this, backend, this.#time, this.#faults) as unknown as Connection;
    };
  }
}

/** The client's half of a session. */
class FakeSession {
  readonly pid: number;
  isOpen = true;
  readonly #postgres: FakePostgres;
  readonly #backend: Backend;
  readonly #time: VirtualTime;
  readonly #faults: FaultRates;
  #last: Promise<unknown> = Promise.resolve();

  constructor(postgres: FakePostgres, backend: Backend, time: VirtualTime, faults: FaultRates) {
    this.#postgres = postgres;
    this.#backend = backend;
    this.#time = time;
    this.#faults = faults;
    this.pid = backend.pid;
    backend.ended.catch(() => {
      time.after(time.random.between(0, 5), () => this.#lose(), backend.process);
    });
  }

  async query(text: string, values: readonly unknown[] = []): Promise<readonly unknown[]> {
    return (await this.#send(text, values)).rows;
  }

  async run(text: string, values: readonly unknown[] = []): Promise<number> {
    return (await this.#send(text, values)).count;
  }

  /** One message may hold statements around the COPY: where one fails, those behind it aren't run. */
  async copy(text: string, bytes: Buffer): Promise<number> {
    return (await this.#send(text, [], { bytes })).count;
  }

  async commit(): Promise<void> {
    await this.#send("COMMIT", []);
  }

  inOneTrip(ask: () => Promise<unknown>[]): Promise<unknown[]> {
    return Promise.all(ask());
  }

  drop(): void {
    this.#lose();
  }

  async close(): Promise<void> {
    this.isOpen = false;
    this.#backend.terminate("08006");
    this.#postgres.backends.delete(this.#backend);
  }

  #lose(): void {
    this.isOpen = false;
  }

  /** The client sees it at once; the server when it finds out. */
  #cut(): void {
    this.#lose();
    const { random } = this.#time;
    const isHalfOpen = random.chance(this.#faults.halfOpen);
    this.#time.note(isHalfOpen ? "cut-half-open" : "cut", () => this.#backend.name);
    this.#time.after(random.between(0, isHalfOpen ? HALF_OPEN_MS_MAX : SEEN_MS_MAX), () => {
      this.#backend.terminate("08006");
      this.#postgres.backends.delete(this.#backend);
    });
  }

  /** One behind the other, as the server takes them, whether or not the client waits for each. */
  #send(text: string, values: readonly unknown[], copy?: Copy): Promise<{ rows: unknown[]; count: number }> {
    const sent = this.#last.then(() => this.#sendNow(text, values, copy));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  async #sendNow(text: string, values: readonly unknown[], copy?: Copy): Promise<{ rows: unknown[]; count: number }> {
    if (!this.isOpen) throw new Error("Client has encountered a connection error and is not queryable");
    const { random } = this.#time;
    const isCommit = text === "COMMIT";
    const cuts = random.chance(isCommit ? this.#faults.commitCut : this.#faults.cut);
    const diced = cuts ? random.pick(["before", "under way", "after"] as const) : "never";
    const when = this.#postgres.losesAnswer(text, this.#backend.name) ? "after" : diced;
    const owner = this.#backend.process;
    if (when === "before") {
      this.#cut();
      throw new Error("Connection terminated unexpectedly");
    }
    const served = this.#serve(text, values, copy, isCommit ? 20 : 6);
    served.catch(() => undefined);
    if (when === "under way") {
      if (isCommit) this.#time.note("commit-unknown", () => this.#backend.name);
      await this.#time.delay(random.between(0, 3), owner);
      this.#cut();
      throw new Error("Connection terminated unexpectedly");
    }
    try {
      return await served;
    } finally {
      await this.#time.lag(0, 6, owner);
      // pg tells of a lost connection before it rejects what was under way.
      if (!this.#backend.isAlive) this.#lose();
      if (when === "after") {
        if (isCommit) this.#time.note("commit-unheard", () => this.#backend.name);
        this.#cut();
        // biome-ignore lint/correctness/noUnsafeFinally: the answer is lost, whatever it was
        throw new Error("Connection terminated unexpectedly");
      }
    }
  }

  /** What the server does, whether or not anybody waits for the answer. */
  async #serve(text: string, values: readonly unknown[], copy: Copy | undefined, lagMs: number) {
    await this.#time.lag(0, lagMs);
    const backend = this.#backend;
    if (!backend.isAlive) throw new Error("Connection terminated unexpectedly");
    const { random } = this.#time;
    const isControl = copy === undefined && /^(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)/.test(text);
    if (backend.tx?.isFailed && !/^(COMMIT|ROLLBACK)/.test(text)) {
      throw databaseError("25P02", "current transaction is aborted");
    }
    const isAlone = backend.tx === undefined;
    if (isAlone && !isControl) backend.begin(this.#time.now);
    try {
      if (!isControl && random.chance(this.#faults.statement)) {
        const code = random.pick(REFUSALS);
        this.#time.note(`sqlstate-${code}`, () => backend.name);
        throw databaseError(code, `the simulation's ${code}`);
      }
      const result = await doStatement(this.#postgres, backend, { text, values, copy });
      if (isAlone && !isControl && backend.isAlive) backend.commit(this.#postgres.history);
      return result;
    } catch (error) {
      if (!backend.isAlive) throw error;
      if (isAlone) backend.rollback();
      else if (backend.tx) backend.tx.isFailed = true;
      throw error;
    }
  }
}

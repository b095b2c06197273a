import type { FakeDatabase } from "../fakes/fake-database.ts";
import type { Backend, FakePostgres } from "../fakes/fake-postgres.ts";
import type { Transaction } from "../fakes/fake-table.ts";

export interface Copy {
  readonly bytes: Buffer;
}

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly copy: Copy | undefined;
}

export interface Result {
  readonly rows: unknown[];
  readonly count: number;
}

/** What a statement's handler may touch. */
export interface Context<V extends readonly unknown[] = readonly unknown[]> {
  readonly postgres: FakePostgres;
  readonly backend: Backend;
  readonly db: FakeDatabase;
  readonly tx: Transaction;
  readonly text: string;
  /** The parameters, as the statement numbers them. */
  readonly values: V;
}

export type Handler = (c: Context) => Promise<Result> | Result;

/** A handler of statements whose parameters are these; that they are is the caller's part, as in SQL. */
export const taking = <V extends readonly unknown[]>(work: (c: Context<V>) => Promise<Result> | Result): Handler =>
  work as unknown as Handler;

export const rows = (found: Iterable<unknown>): Result => {
  const list = [...found];
  return { rows: list, count: list.length };
};
export const NONE: Result = { rows: [], count: 0 };
export const place = (topic: string, partition: number) => `${topic}/${partition}`;

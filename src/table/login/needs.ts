import { TradetapeError } from "../../errors.ts";

/** A migration that a database has. */
export interface AppliedMigration {
  readonly number: number;
  readonly sha256: string;
  /** The newest migration that a program has to carry to work with it; 0 where it only adds. */
  readonly needs: number;
}

/** What a database has beyond this program: the numbers of its newest migration and of the program's. */
export interface Ahead {
  readonly has: number;
  readonly knows: number;
}

/**
 * What a migration's first lines declare by `-- needs: NNNN`: programs that carry no migration NNNN can't work with a database
 * that has this one. @returns 0 where it declares nothing: it only adds, and older programs go on
 */
export function neededBy(sql: string): number {
  const [head] = /^(--.*\n)*/.exec(sql)!;
  return Number(/^-- needs: (\d{4})$/m.exec(head)?.[1] ?? 0);
}

/**
 * How far a database is ahead of a program that may work with it all the same; undefined where it isn't.
 * @param knows the number of the newest migration that the program carries
 * @param place the database's address, without a password
 * @throws TradetapeError database_newer where one of the database's migrations needs a newer program
 */
export function howFarAhead(applied: readonly AppliedMigration[], knows: number, place: string): Ahead | undefined {
  const has = Math.max(0, ...applied.map(({ number }) => number));
  const needs = Math.max(0, ...applied.map((one) => one.needs));
  if (needs > knows) throw newer({ has, knows }, place, `it needs one that knows ${needs}`);
  return has > knows ? { has, knows } : undefined;
}

/** Refuses to repair by an older program: what a newer migration took or changed, it would give back as it was. */
export function refuseAhead(ahead: Ahead | undefined, place: string): void {
  if (ahead) throw newer(ahead, place, "it would give back what later ones changed");
}

const newer = ({ has, knows }: Ahead, place: string, why: string): TradetapeError =>
  new TradetapeError("database_newer", `${place} has migration ${has}, this program knows ${knows}: ${why}`, {
    next: "Use the version of the program that migrated the database, or a later one.",
  });

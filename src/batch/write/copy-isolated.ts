import { TradetapeError } from "../../errors.ts";
import { RULE_BY_NAME } from "../../event/rules.ts";
import type { Connection } from "../../table/connection.ts";
import { refuseSwallowed } from "../../table/landing/swallowed.ts";
import { copyColumn, copyLine, type DatabaseFault, faultKindOf, isDatabaseFault } from "../../table/sqlstate.ts";
import { brokenLetter, type Letter } from "../encode/encoded-batch.ts";
import type { Rows } from "../encode/rows.ts";

/** Where a COPY goes: the statement, and the relation as PostgreSQL names it in an error's context. */
export interface CopyTarget {
  readonly statement: string;
  readonly relation: string;
}

type CopyResult = { readonly letters: readonly Letter[]; readonly copied: number } | "repeat";

/** The bytes of rows [from, to). */
export function rowBytes(rows: Rows, from: number, to: number): Buffer {
  const start = from === 0 ? 0 : rows.ends[from - 1]!;
  return rows.bytes.subarray(start, to === 0 ? 0 : rows.ends[to - 1]!);
}

/** The rows that are sent at least after a bad row, because a statement costs about as much as 16 rows. */
const WINDOW_ROWS_MIN = 16;

/**
 * Copies rows [from, to), leaving out each one that PostgreSQL calls bad. The error names the row's line, so that k bad
 * rows of n cost about 2k statements; halving, the usual way, would cost k log2(n). What lies behind a bad row is sent
 * again, so only twice the distance of the last two is sent at once, and twice as much after each success: else a batch
 * of nothing but bad rows would send n * n / 2 of them. Only where no line can be read are the rows halved.
 * @returns the letters and how many rows went in, or "repeat" when a unique key was hit: then nothing of it stays
 * @throws rows_swallowed, and what isn't the data's fault, with the transaction unusable but for ROLLBACK
 */
export async function copyIsolated(
  connection: Connection,
  target: CopyTarget,
  rows: Rows,
  from: number,
  to: number,
): Promise<CopyResult> {
  const letters: Letter[] = [];
  let copied = 0;
  let window = to - from;
  let lastBad = from - 1;
  let isIsolating = false;
  const spans: [number, number][] = [[from, to]];
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    const [start, last] = span;
    if (start === last) continue;
    const end = Math.min(last, start + window);
    const fault = await tryCopy(connection, target, rowBytes(rows, start, end), end - start);
    if (fault === undefined) {
      copied += end - start;
      window *= 2;
      spans.push([end, last]);
      continue;
    }
    if (faultKindOf(fault) === "unique") {
      if (isIsolating) await connection.query("ROLLBACK TO SAVEPOINT isolating");
      return "repeat";
    }
    // Before the first fault nothing has gone in, because everything was sent at once: the savepoint covers all of it.
    if (!isIsolating) await connection.query("SAVEPOINT isolating");
    isIsolating = true;
    const bad = badRow(fault, target, start, end);
    if (bad === undefined) {
      const middle = (start + end) >> 1;
      spans.push([middle, last], [start, middle]);
      continue;
    }
    letters.push(letterOf(fault, rows.indexes[bad]!));
    window = Math.max(WINDOW_ROWS_MIN, 2 * (bad - lastBad));
    lastBad = bad;
    spans.push([bad + 1, last], [start, bad]);
  }
  return { letters, copied };
}

/** Savepoint, COPY and release in one message, because each round trip of a batch adds to every event's latency. */
const guarded = (statement: string): string => `SAVEPOINT copied; ${statement}; RELEASE SAVEPOINT copied`;

async function tryCopy(
  connection: Connection,
  target: CopyTarget,
  bytes: Buffer,
  count: number,
): Promise<DatabaseFault | undefined> {
  try {
    refuseSwallowed(target.relation, count - (await connection.copy(guarded(target.statement), bytes)));
    return undefined;
  } catch (error) {
    if (!isDatabaseFault(error)) throw error;
    const kind = faultKindOf(error);
    if (kind === "encoder") throw encoderBug(error);
    if (kind !== "data" && kind !== "unique") throw error;
    // RELEASE as well, or thousands of bad rows would nest thousands of savepoints.
    await connection.query("ROLLBACK TO SAVEPOINT copied; RELEASE SAVEPOINT copied");
    return error;
  }
}

/** The row that the error names, or the only one that was sent; undefined when the error names none. */
function badRow(fault: DatabaseFault, target: CopyTarget, start: number, end: number): number | undefined {
  if (end - start === 1) return start;
  const line = copyLine(fault, target.relation);
  return line !== undefined && start + line <= end ? start + line - 1 : undefined;
}

/** The letter of a row that PostgreSQL refused with this fault: of a CHECK that is a rule it has the rule's own words. */
export function letterOf(fault: DatabaseFault, index: number): Letter {
  const rule = RULE_BY_NAME.get(fault.constraint ?? "");
  if (rule) return { index, ...brokenLetter(rule), sqlstate: fault.code };
  const column = copyColumn(fault);
  const detail = fault.constraint ? `${fault.message} (${fault.constraint})` : fault.message;
  return { index, reason: "refused", detail, column, sqlstate: fault.code };
}

const encoderBug = (fault: DatabaseFault): TradetapeError =>
  new TradetapeError("encoder_bug", `PostgreSQL can't read our binary rows: ${fault.message} (${fault.where ?? ""})`, {
    cause: fault,
    next: "This is a bug of tradetape's. Nothing was landed or lost; please report it with this line.",
  });

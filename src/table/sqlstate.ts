/**
 * What an error of PostgreSQL means for a landing, by SQLSTATE alone: message texts change with language and version.
 * `data`: this row is bad and becomes a letter. `unique`: a repeat, the staged path sorts it out. `environment`: wait
 * and try the same again. `partition`: a day partition is missing. `encoder`: our binary format is wrong, a bug.
 */
export type FaultKind = "data" | "unique" | "environment" | "partition" | "foreign_key" | "encoder" | "refused";

/** The part of pg's DatabaseError that `faultKindOf`, letters and stops are made of. */
export interface DatabaseFault {
  readonly code: string;
  /** FATAL ends the session. */
  readonly severity?: string | undefined;
  readonly constraint?: string | undefined;
  readonly column?: string | undefined;
  readonly where?: string | undefined;
  /** What whoever raised it says about the way out. */
  readonly hint?: string | undefined;
  readonly message: string;
}

const BY_STATE: Readonly<Record<string, FaultKind>> = {
  "22P04": "encoder",
  "08P01": "encoder",
  "23502": "data",
  "23503": "foreign_key",
  "23505": "unique",
  "54000": "data",
  // A statement of ours that isn't there, or is already: the session isn't what it was, as when a pooler lent its server out.
  "26000": "environment",
  "42P05": "environment",
};

/**
 * 25006 is a server that takes no writes, as one that is a standby by now; 25P03 and 57P05 are sessions ended for idling;
 * 42501 is a privilege that somebody can grant: nothing of the data's.
 */
const BY_CLASS: Readonly<Record<string, FaultKind>> = {
  "08": "environment",
  "22": "data",
  "40": "environment",
  "53": "environment",
  "55": "environment",
  "57": "environment",
  "58": "environment",
};

export function faultKindOf(fault: DatabaseFault): FaultKind {
  if (fault.code === "42501" || fault.code === "25P03" || fault.code === "25006") return "environment";
  // PgBouncer has this one code for all that it refuses, as when no session was free for too long.
  if (fault.code === "08P01" && fault.severity === "FATAL") return "environment";
  if (fault.code === "23514") return fault.constraint ? "data" : "partition";
  return BY_STATE[fault.code] ?? BY_CLASS[fault.code.slice(0, 2)] ?? "refused";
}

/** pg's own errors carry a five-character SQLSTATE; Node's socket errors carry a name like ECONNRESET. */
export function isDatabaseFault(error: unknown): error is DatabaseFault & Error {
  return error instanceof Error && "code" in error && /^[0-9A-Z]{5}$/.test(String(error.code)) && "severity" in error;
}

/**
 * The row of a COPY that an error speaks of, 1-based, or undefined. The context's line that begins with COPY and the
 * relation counts: jsonb's input puts a "JSON data, line" of its own before it.
 */
export function copyLine(fault: DatabaseFault, relation: string): number | undefined {
  for (const context of fault.where?.split("\n") ?? []) {
    if (!context.startsWith(`COPY ${relation}, line `)) continue;
    const line = Number.parseInt(context.slice(`COPY ${relation}, line `.length), 10);
    if (Number.isSafeInteger(line) && line > 0) return line;
  }
  return undefined;
}

/** The column that a COPY error names after the line, if it does. */
export function copyColumn(fault: DatabaseFault): string | undefined {
  if (fault.column) return fault.column;
  const context = fault.where?.split("\n").find((line) => line.startsWith("COPY "));
  const at = context?.indexOf(", column ") ?? -1;
  if (context === undefined || at < 0) return undefined;
  const name = context.slice(at + ", column ".length);
  const end = name.indexOf(":");
  return end < 0 ? name : name.slice(0, end);
}

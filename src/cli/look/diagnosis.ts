import { type ErrorCode, TradetapeError } from "../../errors.ts";
import { isDatabaseFault } from "../../table/sqlstate.ts";

/** `wrong` keeps something from working, or loses something; `doubtful` may; `told` is for whoever helps. */
export type Severity = "wrong" | "doubtful" | "good" | "told";

/** What doctor found, as a sentence, and what to do about it. */
export interface Diagnosis {
  /** What was looked at. */
  readonly about: string;
  readonly severity: Severity;
  readonly says: string;
  readonly code?: ErrorCode;
  readonly next?: string;
}

/**
 * Looks at something. A fault of input or environment is what doctor is for: it becomes a finding, and the looks after it go on.
 */
export async function looked(about: string, look: () => Promise<readonly Diagnosis[]>): Promise<readonly Diagnosis[]> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof TradetapeError) return [diagnosisOf(about, error)];
    if (!isDatabaseFault(error)) throw error;
    return [{ about, severity: "wrong", says: `PostgreSQL: ${error.message} (SQLSTATE ${error.code})` }];
  }
}

export const diagnosisOf = (
  about: string,
  { code, message, next }: TradetapeError,
  severity: Severity = "wrong",
): Diagnosis => ({
  about,
  severity,
  code,
  says: message,
  ...(next === undefined ? {} : { next }),
});

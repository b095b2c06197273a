import { count, TradetapeError } from "../../errors.ts";

/**
 * Refuses rows that a table was given and left out without an error, as a trigger or a rule can make it do: the ledger
 * would count them as written.
 * @param missing how many rows those are
 * @throws TradetapeError rows_swallowed
 */
export function refuseSwallowed(relation: string, missing: number): void {
  if (missing === 0) return;
  throw new TradetapeError(
    "rows_swallowed",
    `${relation} left out ${count(missing)} of the rows given, and refused none`,
    {
      next:
        `Look for a trigger or rule of somebody's on ${relation} that leaves rows out, and drop it. Nothing of the batch was ` +
        "landed.",
    },
  );
}

import { table } from "../../src/cli/output.ts";
import { FAULT_KINDS } from "./faults.ts";
import { isGood, type RunResult } from "./run.ts";

const SHOWN_MAX = 20;

/** A run for people: what was done to it, what it came to, and all that is wrong. */
export function reportText(result: RunResult): string {
  const { faults, verdict, absorbed, ownEnds, catchUpSeconds } = result;
  const done = FAULT_KINDS.map((kind) => [kind, faults.filter((fault) => fault.kind === kind).length]);
  const letters = Object.entries(verdict.letters).map(([reason, count]) => [`letters: ${reason}`, count] as const);
  const figures = [
    ["events acknowledged", verdict.acknowledged],
    ["poisoned events acknowledged", verdict.poisoned],
    ["rows", verdict.rows],
    ["duplicates and older revisions absorbed", absorbed],
    ...letters,
    ["parked (their parents are never published)", verdict.parked],
    ["seconds to catch up at the end", catchUpSeconds],
    ["starts refused while a service was away", result.refusedStarts],
    ["processes that ended by themselves", ownEnds.length],
    ["lost", verdict.lost.length],
    ["doubled", verdict.doubled.length],
  ] as const;
  const parts = [
    `seed ${result.seed}, ${result.minutes} minutes`,
    table(["fault", "times"], done),
    table(["came to", "number"], figures),
    ...complaints(result),
    isGood(result) ? "good: every acknowledged event is accounted for, once" : "NOT good",
  ];
  return `${parts.join("\n\n")}\n`;
}

function complaints({ verdict, ledger, audit, verify, ownEnds, badStops }: RunResult): string[] {
  const ends = ownEnds.map(({ member, code, lastLines }) => `${member}, code ${code}:\n${lastLines}`);
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ["lost", verdict.lost],
    ["doubled", verdict.doubled],
    ["wrong", verdict.wrong],
    ["the ledger", ledger],
    ["the audit log", audit],
    ["tradetape verify", verify],
    ["processes that ended by themselves", ends],
    ["processes that didn't stop well", badStops],
  ];
  return lists
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => `${name} (${list.length}):\n${list.slice(0, SHOWN_MAX).join("\n")}`);
}

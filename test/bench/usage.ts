import { readdirSync, readFileSync } from "node:fs";

/** Whose processor time is told apart. */
export interface Pids {
  readonly node: number;
  readonly postgres: number;
  readonly broker: number;
}

export type Party = keyof Pids;

/** Microseconds of user and system time, by party. */
export type Usage = Readonly<Record<Party, number>>;

export const PARTIES = ["node", "postgres", "broker"] as const;

/** /proc counts in hundredths of a second on every Linux (USER_HZ), so a figure needs seconds of work to mean much. */
const US_PER_TICK = 10_000;

/** utime, stime, and those of children that have ended: fields 14 to 17 of /proc/PID/stat (proc(5)). */
const OWN_AND_ENDED = [11, 12, 13, 14] as const;

/** The fields behind the program's name, which stands in parentheses and may hold spaces. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    // Ended between the listing and the reading; what it used is its parent's now.
    return undefined;
  }
}

function microseconds(pid: number): number {
  const stat = statOf(pid);
  return stat === undefined ? 0 : OWN_AND_ENDED.reduce((sum, at) => sum + Number(stat[at]) * US_PER_TICK, 0);
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => Number(statOf(pid)?.[1]) === parent);
}

/**
 * What each party has used since it started, PostgreSQL with its backends, those that have ended among them. Linux
 * only: elsewhere nobody tells of another process's children, and all figures are 0.
 */
export function usageOf(pids: Pids): Usage {
  if (process.platform !== "linux") return { node: 0, postgres: 0, broker: 0 };
  const backends = childrenOf(pids.postgres).reduce((sum, pid) => sum + microseconds(pid), 0);
  return {
    node: microseconds(pids.node),
    postgres: microseconds(pids.postgres) + backends,
    broker: microseconds(pids.broker),
  };
}

export const usedSince = (before: Usage, now: Usage): Usage => ({
  node: now.node - before.node,
  postgres: now.postgres - before.postgres,
  broker: now.broker - before.broker,
});

/** Resident memory of a process in MB (10^6 bytes), now or at its highest; 0 where there is no /proc. */
export function residentMb(pid: number, which: "now" | "peak"): number {
  if (process.platform !== "linux") return 0;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = Number((which === "now" ? /VmRSS:\s+(\d+)/ : /VmHWM:\s+(\d+)/).exec(status)?.[1] ?? 0);
  return (kib * 1024) / 1e6;
}

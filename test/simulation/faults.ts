import type { Random } from "./virtual-time.ts";

/** How often things go wrong in one schedule, as shares of the calls concerned; all 0 once the schedule heals. */
export interface FaultRates {
  /** A session breaks: before the server has the statement, or after it has done it. */
  cut: number;
  /** The same for COMMIT alone, where it hurts most. */
  commitCut: number;
  /** PostgreSQL refuses a statement for a reason of its own: 40001, 40P01, 53200, 57014. */
  statement: number;
  /** 53300 and the like at login. */
  login: number;
  /** A produce request fails: nothing, a part or all of it is in the log. */
  produce: number;
  /** The admin client's questions fail. */
  admin: number;
  /** A heartbeat or fetch ends in a crash that kafkajs restarts from. */
  crash: number;
  /** A session that was cut off lives on in the server for long, with its locks. */
  halfOpen: number;
}

const MOSTLY_NONE = [0, 0, 0.01, 0.03, 0.1];

export function someFaults(random: Random): FaultRates {
  const rate = () => random.pick(MOSTLY_NONE);
  return {
    cut: rate() / 2,
    commitCut: random.pick([0, 0.05, 0.2, 0.5]),
    statement: rate() / 2,
    login: rate(),
    produce: random.pick([0, 0.1, 0.3]),
    admin: rate(),
    crash: random.pick([0, 0, 0.005, 0.02]),
    halfOpen: random.pick([0, 0.2, 0.5]),
  };
}

export function heal(rates: FaultRates): void {
  for (const name of Object.keys(rates) as (keyof FaultRates)[]) rates[name] = 0;
}

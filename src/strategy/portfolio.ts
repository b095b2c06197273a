import type { Account, AccountDay } from "./account.ts";

/** Several instruments' accounts of one window as one: a day of some of them is a day of all, the others stand still. */
export function portfolioOf(accounts: readonly Account[]): Account {
  const days: AccountDay[] = [];
  const all = accounts.map((account) => ({ account, next: 0, last: beforeDays(account) }));
  for (const day of [...new Set(accounts.flatMap((account) => account.days.map((one) => one.day)))].sort(ascending)) {
    const total = { day, pnl: 0, realised: 0, fees: 0, stake: 0, exposure: 0, net: 0 };
    for (const one of all) {
      const own = one.account.days[one.next];
      const isOn = own?.day === day;
      total.stake += isOn ? own.stake : one.last.exposure;
      if (isOn) Object.assign(one, { next: one.next + 1, last: own });
      for (const name of CARRIED) total[name] += one.last[name];
    }
    days.push(total);
  }
  return {
    trips: accounts.flatMap(({ trips }) => trips),
    realised: sum(accounts.map(({ realised }) => realised)),
    fees: sum(accounts.map(({ fees }) => fees)),
    position: null,
    averagePrice: null,
    mark: null,
    unrealised: known(accounts.map(({ unrealised }) => unrealised)),
    pnl: known(accounts.map(({ pnl }) => pnl)),
    before: known(accounts.map(({ before }) => before)),
    netBefore: sum(accounts.map(({ netBefore }) => netBefore)),
    days,
  };
}

/** What stays as it was on a day that an instrument doesn't have. */
const CARRIED = ["pnl", "realised", "fees", "exposure", "net"] as const;

const beforeDays = ({ netBefore: net }: Account): Pick<AccountDay, (typeof CARRIED)[number]> => ({
  ...{ pnl: 0, realised: 0, fees: 0, net },
  exposure: Math.abs(net),
});

const ascending = (a: number, b: number) => a - b;
const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
/** A sum of which one part is unknown is unknown. */
const known = (values: readonly (number | null)[]) => (values.includes(null) ? null : sum(values as readonly number[]));

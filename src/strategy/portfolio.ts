import type { Account, AccountDay } from "./account.ts";

/** Several instruments' accounts of one window as one: a day of some of them is a day of all, the others stand still. */
export function portfolioOf(accounts: readonly Account[]): Account {
  const days: AccountDay[] = [];
  const all = accounts.map((account) => ({ account, next: 0, last: beforeDays(account) }));
  for (const day of [...new Set(accounts.flatMap((account) => account.days.map((one) => one.day)))].sort(ascending)) {
    const stakes: (number | null)[] = [];
    for (const one of all) {
      const own = one.account.days[one.next];
      const isOn = own?.day === day;
      stakes.push(isOn ? own.stake : one.last.exposure);
      if (isOn) Object.assign(one, { next: one.next + 1, last: own });
    }
    const last = all.map((one) => one.last);
    days.push({
      day,
      pnl: known(last.map(({ pnl }) => pnl)),
      realised: sum(last.map(({ realised }) => realised)),
      fees: sum(last.map(({ fees }) => fees)),
      stake: known(stakes),
      exposure: known(last.map(({ exposure }) => exposure)),
      net: known(last.map(({ net }) => net)),
    });
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
    netBefore: known(accounts.map(({ netBefore }) => netBefore)),
    days,
    hasAllDays: accounts.every(({ hasAllDays }) => hasAllDays),
  };
}

/** What stays as it is on the days before an instrument's first one, and on those that it doesn't have. */
const beforeDays = ({ before, netBefore: net }: Account): Omit<AccountDay, "day" | "stake"> => ({
  ...{ pnl: before === null ? null : 0, realised: 0, fees: 0, net },
  exposure: net === null ? null : Math.abs(net),
});

const ascending = (a: number, b: number) => a - b;
const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
/** A sum of which one part is unknown is unknown. */
const known = (values: readonly (number | null)[]) => (values.includes(null) ? null : sum(values as readonly number[]));

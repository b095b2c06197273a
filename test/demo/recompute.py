"""Computes every row of strategy_performance again, from the other tables, and tells each figure that differs.

It shares no line with the program that published the rows: money is what came in less what went out, in exact fractions;
an average is kept for what is unrealised alone; drawdowns and annualised Sharpe ratios are empyrical's. Windows must begin
and end with a UTC day. By hand: DATABASE_URL=... python recompute.py
"""

import itertools
import json
import math
import os
from fractions import Fraction

import empyrical
import numpy as np
import pandas as pd
import psycopg

DAY_US = 86_400_000_000
US = "(extract(epoch FROM {}) * 1000000)::bigint"

FILLS = f"""SELECT d.strategy_id::text, e.backtest_session_id::text, e.symbol_id::text, {US.format('e."timestamp"')}, d.action,
  e.quantity, e.executed_price, coalesce(e.fee, 0)
FROM trade_execution e JOIN trade_decision d USING (decision_id) WHERE e.status = 'FILLED'
ORDER BY 1, 2, 3, 4, e.source_partition, e.source_offset"""

CLOSES = f"""SELECT DISTINCT ON (day) {US.format('"timestamp"')} / {DAY_US} AS day, close FROM market_data_bar
WHERE symbol_id = %s AND "interval" || ' ' || source = %s
  AND backtest_session_id IS NOT DISTINCT FROM (SELECT max(backtest_session_id::text)::uuid FROM market_data_bar b
    WHERE b.symbol_id = %s AND b."interval" || ' ' || b.source = %s AND b.backtest_session_id = %s)
ORDER BY day, "timestamp" DESC"""

ROWS = f"""SELECT *, {US.format("window_start")} AS start_us, {US.format("window_end")} AS end_us, {US.format("as_of")} AS as_of_us
FROM strategy_performance"""


def exact(value):
    return Fraction(repr(value))


class Instrument:
    """One strategy in one instrument: its trips, and a frame with a line for each UTC day."""

    def __init__(self, fills, closes):
        self.trips = []
        self.latest_us = max(fills[-1][3], (max(closes) + 1) * DAY_US if closes else 0)
        position, cost, cash, fees = Fraction(0), Fraction(0), Fraction(0), Fraction(0)
        trip = {"cash": Fraction(0), "notional": Fraction(0)}
        lines, mark, exposure, stake = {}, None, 0.0, 0.0
        # Days of which no figure of days is known: one with a position that has no close yet, or any without closes.
        self.unknown = set()
        by_day = {day: list(some) for day, some in itertools.groupby(fills, key=lambda fill: fill[3] // DAY_US)}
        first = min(by_day)
        for day in sorted({*by_day, *closes}):
            for *_, at, action, quantity, price, fee in by_day.get(day, []):
                size, price, fee = exact(quantity), exact(price), exact(fee)
                sign = 1 if action == "BUY" else -1
                cash -= sign * size * price + fee
                fees += fee
                closing = min(size, abs(position)) if position * sign < 0 else Fraction(0)
                for part, enters in ((closing, False), (size - closing, True)):
                    if part == 0:
                        continue
                    trip["cash"] -= sign * part * price + fee * part / size
                    if enters:
                        trip["notional"] += abs(part * price)
                        cost += sign * part * price
                    else:
                        cost -= cost * part / abs(position)
                    position += sign * part
                    if position == 0:
                        self.trips.append((at, float(trip["cash"]), self.roi(trip)))
                        trip = {"cash": Fraction(0), "notional": Fraction(0)}
                stake = max(stake, float(abs(position * price)))
            mark = closes.get(day, mark)
            if day < first:
                continue
            if mark is None and (position != 0 or not closes):
                self.unknown.add(day)
            if mark is None and position != 0:
                continue
            worth = position * exact(mark) if mark is not None else Fraction(0)
            exposure = float(abs(worth))
            lines[day] = [float(cash + worth), float(worth - cost), float(fees), float(position), stake, exposure]
            stake = exposure
        names = ["value", "unrealised", "fees", "position", "stake", "exposure"]
        self.days = pd.DataFrame.from_dict(lines, orient="index", columns=names)

    @staticmethod
    def roi(trip):
        return float(trip["cash"] / trip["notional"]) if trip["notional"] else None


def at(days, day):
    """The last line before a day."""
    before = days[days.index < day]
    return before.iloc[-1] if len(before) else pd.Series(0.0, index=days.columns)


def figures(instruments, first, end, capital):
    """Of several instruments as one, in the days from `first` to before `end`."""
    trips = [trip for one in instruments for trip in one.trips if first <= trip[0] // DAY_US < end]
    rois = np.array([roi for _, _, roi in trips if roi is not None])
    begin = [at(one.days, first) for one in instruments]
    last = [at(one.days, end) for one in instruments]
    total = lambda lines, name: math.fsum(line[name] for line in lines)
    pnl = total(last, "value") - total(begin, "value")
    unrealised = total(last, "unrealised")
    own = [one.days[(one.days.index >= first) & (one.days.index < end)] for one in instruments]
    index = sorted(set().union(*(days.index for days in own)))
    equity, stakes = pd.Series(0.0, index), pd.Series(0.0, index)
    for days, start in zip(own, begin):
        frame = days.reindex(index)
        equity += frame.value.ffill().fillna(start.value) - start.value
        stakes += frame.stake.fillna(frame.exposure.ffill().shift().fillna(start.exposure))
    made = equity.diff().fillna(equity)
    bases = stakes if capital is None else capital + total(begin, "value") + equity - made
    returns = (made / bases.where(bases != 0)).fillna(0)
    unknown = any(first <= day < end for one in instruments for day in one.unknown)
    has_days, has_rois = len(returns) > 0 and not unknown, len(rois) > 0
    deviation = rois.std(ddof=1) if len(rois) > 1 else 0
    return {
        "total_trades": len(trips),
        "trades_without_return": len(trips) - len(rois),
        "win_rate": sum(made > 0 for _, made, _ in trips) / len(trips) if trips else None,
        "avg_roi": rois.mean() if has_rois else None,
        "sharpe_ratio": rois.mean() / deviation if deviation > 0 else None,
        "pnl": pnl,
        "unrealised_pnl": unrealised,
        "realised_pnl": pnl - unrealised + total(begin, "unrealised"),
        "fees": total(last, "fees") - total(begin, "fees"),
        "max_drawdown": -empyrical.max_drawdown(returns) if has_days else None,
        "max_drawdown_money": (equity.cummax().clip(lower=0) - equity).max() if has_days else None,
        "sharpe_annualised": empyrical.sharpe_ratio(returns, annualization=252) if has_days and returns.std() > 0 else None,
        "daily_returns": len(returns) if has_days else 0,
    }


def is_same(said, figure):
    """Whether two figures are the same, but for the order of additions."""
    if said is None or figure is None:
        return said is figure
    return abs(said - figure) <= 1e-9 * max(1, abs(figure))


def main():
    with psycopg.connect(os.environ["DATABASE_URL"], row_factory=psycopg.rows.dict_row) as connection:
        rows = connection.execute(ROWS).fetchall()
        tuples = connection.cursor(row_factory=psycopg.rows.tuple_row)
        fills = tuples.execute(FILLS).fetchall()
        instruments = {}
        for (strategy, session, symbol), own in itertools.groupby(fills, key=lambda fill: fill[:3]):
            (marked_by,) = {row["marked_by"] for row in rows if str(row["symbol_id"]) == symbol}
            closes = dict(tuples.execute(CLOSES, [symbol, marked_by, symbol, marked_by, session]).fetchall())
            instruments[strategy, session, symbol] = Instrument(list(own), closes)
    differences = []
    for row in rows:
        strategy, session = str(row["strategy_id"]), str(row["backtest_session_id"])
        of = row["symbol_id"] and str(row["symbol_id"])
        own = [one for (*key, symbol), one in instruments.items() if key == [strategy, session] and of in (None, symbol)]
        first, end = row["start_us"] // DAY_US, row["end_us"] // DAY_US
        right = figures(own, first, end, row["capital"])
        right["open_position"] = at(own[0].days, end).position if of else None
        right["as_of_us"] = row["as_of_us"] and max(one.latest_us for one in own)
        for name, figure in right.items():
            if not is_same(row[name], figure):
                window = f"{row['performance_id']} {row['window_start']:%Y-%m-%d}"
                differences.append(f"{window}: {name} is {row[name]}, not {figure}")
    print(json.dumps({"rows": len(rows), "differences": differences}))


main()

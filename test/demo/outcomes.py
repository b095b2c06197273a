"""Judges every prediction again, from the bars, and scores the models with scikit-learn; tells each figure that differs.

It shares no line with the program `outcomes` nor with `tradetape score`, whose --json it reads from standard input: closes are
found by pandas' merge_asof. By hand: tradetape score --json ... | DATABASE_URL=... python outcomes.py
"""

import json
import math
import os
import sys

import numpy as np
import pandas as pd
import psycopg
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

DAY = pd.Timedelta(days=1)

PREDICTIONS = """SELECT prediction_id::text AS id, symbol_id::text AS symbol_id, s.ticker, "timestamp", model_version AS model,
  probability_up AS chance, predicted_price, price_source AS source, horizon, backtest_session_id::text AS session
FROM model_prediction JOIN symbol s USING (symbol_id) WHERE price_source IS NOT NULL AND horizon ~ '^[0-9]+d$'"""

BARS = """SELECT symbol_id::text AS symbol_id, source, coalesce(ends_at, "timestamp" + interval '24 h') AS ends_at, close
FROM market_data_bar WHERE "interval" = '1d'"""

OUTCOMES = """SELECT prediction_id::text AS id, "timestamp", judged_by, base_price, base_at, realised_price, realised_return, brier,
  log_loss, price_error, model_version AS model, symbol_id::text AS symbol_id FROM prediction_outcome"""


def read(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        frame = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])
    for name in frame.columns.intersection(["timestamp", "ends_at", "base_at"]):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    return frame


def judge(predictions, bars):
    """The close at or before each prediction, and the first one that ends behind it and half a day before its horizon's end or later."""
    by = ["symbol_id", "source"]
    bars = bars.sort_values("ends_at")
    predictions = predictions.sort_values("timestamp")
    based = pd.merge_asof(predictions, bars.rename(columns={"close": "base_price", "ends_at": "base_at"}),
                          left_on="timestamp", right_on="base_at", by=by)
    days = based["horizon"].str.removesuffix("d").astype(int)
    due = based["timestamp"] + pd.to_timedelta(days, unit="D") - DAY / 2
    based["due"] = np.maximum(due, based["timestamp"] + pd.Timedelta(microseconds=1)).astype("datetime64[us, UTC]")
    judged = pd.merge_asof(based.sort_values("due"), bars.rename(columns={"close": "realised_price", "ends_at": "at"}),
                           left_on="due", right_on="at", by=by, direction="forward")
    return judged.dropna(subset=["base_price", "realised_price"]).set_index("id")


def close(a, b):
    return a == b or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9))


def compare(found, expected, what, differences):
    for name, value in expected.items():
        if not close(found[name], float(value)):
            differences.append(f"{what}: {name} is {found[name]}, recomputed {value}")


def main():
    score = json.load(sys.stdin)
    differences = []
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        predictions, bars, outcomes = (read(connection, sql) for sql in (PREDICTIONS, BARS, OUTCOMES))
    judged, outcomes = judge(predictions, bars), outcomes.set_index("id")
    differences += [f"outcome of {one} is missing" for one in judged.index.difference(outcomes.index)]
    differences += [f"outcome of {one} is one too many" for one in outcomes.index.difference(judged.index)]
    for one, row in judged.loc[judged.index.intersection(outcomes.index)].iterrows():
        is_up = int(row.realised_price > row.base_price)
        expected = {
            "base_price": row.base_price,
            "realised_price": row.realised_price,
            "realised_return": row.realised_price / row.base_price - 1,
            "brier": brier_score_loss([is_up], [row.chance], labels=[0, 1]),
            "log_loss": log_loss([is_up], [row.chance], labels=[0, 1]),
            "price_error": row.predicted_price - row.realised_price,
        }
        compare(outcomes.loc[one], expected, f"outcome of {one}", differences)
        if outcomes.loc[one]["timestamp"] != row["at"] or outcomes.loc[one]["base_at"] != row["base_at"]:
            differences.append(f"outcome of {one}: its times differ")
    judged["up"] = (judged["realised_price"] > judged["base_price"]).astype(int)
    for model in score["models"]:
        some = judged[(judged["model"] == model["model"]) & ((model["symbol"] is None) | (judged["ticker"] == model["symbol"]))]
        base = np.full(len(some), some["up"].mean())
        expected = {
            "predictions": len(some),
            "mean": some["chance"].mean(),
            "rose": some["up"].mean(),
            "brier": brier_score_loss(some["up"], some["chance"]),
            "skill": 1 - brier_score_loss(some["up"], some["chance"]) / brier_score_loss(some["up"], base),
            "logLoss": log_loss(some["up"], some["chance"]),
        }
        compare(model, expected, f"score of {model['model']}, {model['symbol']}", differences)
        if model["symbol"] is None:
            bins = [one for one in score["reliability"] if one["model"] == model["model"]]
            rose, mean = calibration_curve(some["up"], some["chance"], n_bins=10)
            if len(rose) != len(bins):
                differences.append(f"reliability of {model['model']}: {len(bins)} bins, recomputed {len(rose)}")
            for one, *expected in zip(bins, rose, mean):
                compare(one, {"rose": expected[0], "mean": expected[1]}, f"bin from {one['from']}", differences)
    print(json.dumps({"outcomes": len(judged), "differences": differences[:20]}))


main()

"""tradetape's ids: UUID version 5 of an event's natural key, so that publishing the same thing again is harmless.

The same ids as the TypeScript library's, by the standard library alone; schemas/ids.json has both tested.
"""

import datetime
import hashlib
import struct
import uuid


def namespace(event):
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:tradetape:{event}")


def double(value):
    # Adding 0.0 turns -0.0 into 0.0, which is the same price to every database.
    return struct.pack(">d", float(value) + 0.0).hex()


def texts(values):
    return [None] if values is None else [str(len(values)), *values]


def integer(value):
    return None if value is None else str(int(value))


def name(fields):
    out = b""
    for field in fields:
        if field is None:
            out += struct.pack(">i", -1)
        else:
            data = field.encode("utf-8")
            out += struct.pack(">i", len(data)) + data
    return out


def utc_day(micros):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)).strftime("%Y-%m-%d")


def symbol(e):
    return [e["ticker"], e.get("exchange")]


def tick(e):
    session = e.get("backtest_session_id")
    day = e.get("trading_date") or utc_day(e["timestamp"])
    return [e["source"], e["symbol_id"], e.get("venue"), e["trade_id"], day, session]


def nth_tick(e):
    return [
        e["source"],
        e["symbol_id"],
        e.get("venue"),
        integer(e["timestamp"]),
        integer(e.get("timestamp_ns", 0)),
        double(e["close"]),
        double(e["volume"]),
        *texts(e.get("conditions")),
        e.get("backtest_session_id"),
        integer(e["n"]),
    ]


def quote(e):
    session = e.get("backtest_session_id")
    return [e["source"], e["symbol_id"], e.get("venue"), e["sequence"], utc_day(e["timestamp"]), session]


def nth_quote(e):
    sides = [e.get(name) for name in ("bid_price", "bid_size", "ask_price", "ask_size")]
    return [
        e["source"],
        e["symbol_id"],
        e.get("venue"),
        integer(e["timestamp"]),
        integer(e.get("timestamp_ns", 0)),
        *[None if value is None else double(value) for value in sides],
        *texts(e.get("conditions")),
        e.get("backtest_session_id"),
        integer(e["n"]),
    ]


def bar(e):
    return [e["source"], e["symbol_id"], e["interval"], integer(e["timestamp"]), e.get("backtest_session_id")]


def indicator(e):
    return [
        e["symbol_id"],
        integer(e["timestamp"]),
        e["indicator_name"],
        integer(e.get("period")),
        e.get("parameters"),
        e["computed_by"],
        e.get("backtest_session_id"),
    ]


def performance(e):
    return [
        e["strategy_id"],
        e.get("symbol_id"),
        integer(e["window_start"]),
        integer(e["window_end"]),
        e.get("backtest_session_id"),
    ]


def outcome(e):
    return [e["prediction_id"], e["judged_by"]]


def call(e):
    at = [integer(e["timestamp"]), e["request_sha256"], integer(e["n"])]
    return [e["actor"], e["strategy_id"], e.get("session"), *at]


def content(e):
    return [e["sha256"], e.get("backtest_session_id")]


def prediction(e):
    return [e["actor"], e["model_version"], e.get("session"), e["symbol_id"], e["key"]]


def decision(e):
    return [e["actor"], e["strategy_id"], e.get("session"), e["symbol_id"], e["key"]]


def fill(e):
    return [e["decision_id"], e["broker"], e["key"]]


def strategy(e):
    return [e["name"]]


def session(e):
    return [e["key"]]


# Every rule by which this package makes ids: the namespace, and the key's fields. schemas/ids.json has a vector of each.
RULES = {
    "symbol": ("symbol", symbol),
    "strategy": ("strategy", strategy),
    "session": ("session", session),
    "tick": ("tick", tick),
    "nth_tick": ("tick", nth_tick),
    "quote": ("quote", quote),
    "nth_quote": ("quote", nth_quote),
    "bar": ("bar", bar),
    "indicator": ("indicator", indicator),
    "prediction": ("prediction", prediction),
    "decision": ("decision", decision),
    "fill": ("fill", fill),
    "performance": ("performance", performance),
    "outcome": ("outcome", outcome),
    "call": ("call", call),
    "content": ("content", content),
}


def uuid5(space, data):
    # uuid.uuid5 takes bytes only from Python 3.12 on.
    digest = hashlib.sha1(space.bytes + data).digest()
    return uuid.UUID(bytes=digest[:16], version=5)


def event_id(space, fields):
    """The id of an event of that namespace ("prediction", "decision", ...), of its key's fields as text or None."""
    return str(uuid5(namespace(space), name(fields)))


def rule_id(rule, e):
    """The id by one of the rules, of a key's ingredients by name."""
    space, fields = RULES[rule]
    return event_id(space, fields(e))


def symbol_id(ticker, exchange):
    return rule_id("symbol", {"ticker": ticker, "exchange": exchange})


def strategy_id(title):
    return rule_id("strategy", {"name": title})


def session_id(key):
    """The id that `tradetape sessions create --key` gives."""
    return rule_id("session", {"key": key})

"""Recomputes every id of schemas/ids.json with Python's standard library alone.

python3 test/interop/ids.py   exits 0 when all agree, 1 and says which when one doesn't.
A Python agent may copy the functions below to make the same ids as the TypeScript library.
"""

import datetime
import hashlib
import json
import pathlib
import struct
import sys
import uuid

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"


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


def plain(e):
    return e["fields"]


# The rule's name in schemas/ids.json, the namespace it hashes under (None: the vector names it) and its fields.
RULES = {
    "symbol": ("symbol", symbol),
    "tick": ("tick", tick),
    "nth_tick": ("tick", nth_tick),
    "bar": ("bar", bar),
    "indicator": ("indicator", indicator),
    "performance": ("performance", performance),
    "event": (None, plain),
}


def uuid5(space, data):
    # uuid.uuid5 takes bytes only from Python 3.12 on.
    digest = hashlib.sha1(space.bytes + data).digest()
    return uuid.UUID(bytes=digest[:16], version=5)


def main():
    golden = json.loads((SCHEMAS / "ids.json").read_text(encoding="utf-8"))
    wrong = 0
    for event, text in golden["namespaces"].items():
        if str(namespace(event)) != text:
            wrong += 1
            print(f"namespace {event}: {namespace(event)}, not {text}")
    for vector in golden["vectors"]:
        space, fields = RULES[vector["rule"]]
        data = name(fields(vector["input"]))
        made = str(uuid5(namespace(space or vector["input"]["namespace"]), data))
        if data.hex() != vector["name"] or made != vector["id"]:
            wrong += 1
            print(f"{vector['rule']} ({vector['why']}): {made} of {data.hex()}, not {vector['id']} of {vector['name']}")
    print(f"{len(golden['namespaces'])} namespaces and {len(golden['vectors'])} ids, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Recomputes every id of schemas/ids.json by python/tradetape/ids.py, with Python's standard library alone.

python3 test/interop/ids.py   exits 0 when all agree, 1 and says which when one doesn't.
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from tradetape.ids import bar, indicator, name, namespace, nth_tick, performance, symbol, tick, uuid5  # noqa: E402


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


def main():
    golden = json.loads((ROOT / "schemas" / "ids.json").read_text(encoding="utf-8"))
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

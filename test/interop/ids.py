"""Recomputes the ids of schemas/ids.json by python/tradetape/ids.py, with Python's standard library alone.

python3 test/interop/ids.py   exits 0 when all agree, Python has every rule but those of NOT_PYTHONS, and every rule of
Python's has a vector; 1 and says which when not.

Of the rules of NOT_PYTHONS only the hash of the vector's own name is recomputed.
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from tradetape.ids import RULES, name, namespace, uuid5  # noqa: E402

# No Python program makes these ids: the audit trail's are made where events land, the demo's session by `tradetape demo`,
# and "event" is no key of its own: recomputed() hashes the fields that the vector gives.
NOT_PYTHONS = {
    "event",
    "demo_session",
    "audit_entry",
    "audit_letter",
    "audit_receipt",
    "audit_loss",
    "audit_deed",
    "audit_replay",
    "audit_checkpoint",
}


def recomputed(rule, space, vector):
    """The vector's namespace and hashed name, as Python has them."""
    if rule in RULES:
        space, fields = RULES[rule]
        return space, name(fields(vector["input"]))
    if rule == "event":
        return vector["input"]["namespace"], name(vector["input"]["fields"])
    return space, bytes.fromhex(vector["name"])


def main():
    golden = json.loads((ROOT / "schemas" / "ids.json").read_text(encoding="utf-8"))
    wrong = [f"no vector of Python's rule {rule}" for rule in RULES.keys() - {v["rule"] for v in golden["vectors"]}]
    wrong += [f"Python has no rule {rule}" for rule in golden["rules"].keys() - NOT_PYTHONS - RULES.keys()]
    for event, text in golden["namespaces"].items():
        if str(namespace(event)) != text:
            wrong.append(f"namespace {event}: {namespace(event)}, not {text}")
    for vector in golden["vectors"]:
        rule = vector["rule"]
        space, data = recomputed(rule, golden["rules"][rule]["namespace"], vector)
        made = str(uuid5(namespace(space), data))
        if data.hex() != vector["name"] or made != vector["id"]:
            wrong.append(f"{rule} ({vector['why']}): {made} of {data.hex()}, not {vector['id']} of {vector['name']}")
    for line in wrong:
        print(line)
    print(f"{len(golden['namespaces'])} namespaces and {len(golden['vectors'])} ids, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

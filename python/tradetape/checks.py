"""What an event must keep before it is published, with the sentences of the TypeScript library: the types of its fields, as
its topic's schema has them, and the rules of schemas/rules.json, which lies in this package, too."""

import hashlib
import json
import math
import numbers
import re
from importlib import resources

from tradetape.times import Refused, moment

DECLARED = json.loads(resources.files("tradetape").joinpath("rules.json").read_text("utf-8"))
RULES = DECLARED["rules"]
LINKS = DECLARED["links"]
ROUNDING = 1e-9
BAR_LENGTH = re.compile("([1-9][0-9]{0,3})([a-z]+)")

UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SHA256 = re.compile("[0-9a-f]{64}")
LENGTH = re.compile("[1-9][0-9]{0,3}(s|min|h|d|w|mo)")
SURROGATE = re.compile("[\ud800-\udfff]")
JSON_DEPTH_MAX = 100
TOO_ODD_JSON = f"must not hold an escaped NUL or lone surrogate, nor more than {JSON_DEPTH_MAX} levels"


def uuid(value):
    if not isinstance(value, str):
        raise Refused("must be a UUID as text")
    if not UUID.fullmatch(value):
        raise Refused("must be a UUID in lower case, as in 0198c5a4-8f6e-7c3a-9d2b-5e4f3a2b1c0d")
    return value


def text(value):
    if not isinstance(value, str):
        raise Refused("must be text")
    if "\0" in value:
        raise Refused("must not hold a NUL character")
    if SURROGATE.search(value):
        raise Refused("must not hold a lone surrogate")
    return value


def texts(value):
    if not isinstance(value, (list, tuple)):
        raise Refused("must be a list of texts")
    for n, item in enumerate(value):
        try:
            text(item)
        except Refused as wrong:
            raise Refused(f"item {n} {wrong}") from None
    return list(value)


def json_text(value):
    if not isinstance(value, str):
        raise Refused("must be JSON text")
    text(value)
    try:
        parsed = json.loads(value, parse_int=float, parse_constant=no_constant)
    except RecursionError:
        raise Refused(TOO_ODD_JSON) from None
    except ValueError:
        raise Refused("must be valid JSON text") from None
    if not storable(parsed, 0):
        raise Refused(TOO_ODD_JSON)
    return value


def no_constant(name):
    """Python reads NaN and the infinities, which JSON doesn't have."""
    raise ValueError(name)


def storable(value, depth):
    """Whether PostgreSQL's jsonb takes a parsed document."""
    if isinstance(value, str):
        return "\0" not in value and not SURROGATE.search(value)
    if not isinstance(value, (dict, list)):
        return True
    inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return depth < JSON_DEPTH_MAX and all(storable(item, depth + 1) for item in inner)


KINDS = ("tick", "quote", "bar", "indicator", "prediction", "decision", "fill", "performance")


def inputs(value):
    """The text of the field `inputs`: what an event was made of."""
    json_text(value)
    named = json.loads(value)
    if not isinstance(named, list):
        raise Refused("must be a list")
    for n, item in enumerate(named):
        wrong = wrong_input(item)
        if wrong is not None:
            raise Refused(f"item {n} {wrong}")
    return value


def wrong_input(item):
    """What is wrong with one of the inputs, as the end of a sentence; None when nothing is."""
    if not isinstance(item, dict):
        return "must be an object"
    for name in item:
        if name not in ("kind", "id", "known_at", "value"):
            return f"must not have {json.dumps(name, ensure_ascii=False)}"
    if item.get("kind") not in KINDS:
        return f"must have as kind one of {', '.join(KINDS)}"
    if not isinstance(item.get("id"), str) or not UUID.fullmatch(item["id"]):
        return "must have as id a UUID in lower case"
    if "known_at" in item and not is_number(item["known_at"], whole=True):
        return "must have as known_at whole microseconds since 1970"
    if "value" in item and not is_number(item["value"]):
        return "must have as value a finite number"
    return None


def is_number(value, whole=False):
    """Whether a parsed JSON value is a finite number; a whole one lies within 2^53 and may be written as 1.0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value) and not (whole and (value != int(value) or abs(value) >= 2**53))
    except OverflowError:
        return False


def written(pattern, wrong):
    def read(value):
        if not pattern.fullmatch(text(value)):
            raise Refused(wrong)
        return value

    return read


def double(value):
    """A float; numpy's numbers are registered with `numbers`, and bool would be one of them."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise Refused("must be a finite number")
    if isinstance(value, numbers.Integral) and abs(value) > 2**53:
        raise Refused("must be a number that a double holds exactly")
    if not math.isfinite(value):
        raise Refused("must be a finite number")
    return float(value)


def whole(most, least, said):
    def read(value):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not least <= value <= most:
            raise Refused(f"must be a whole number {said}")
        return int(value)

    return read


def boolean(value):
    if not isinstance(value, bool):
        raise Refused("must be true or false")
    return value


def one_of(symbols):
    def read(value):
        if value not in symbols:
            raise Refused(f"must be one of {', '.join(symbols)}")
        return value

    return read


READERS = {
    "string:uuid": uuid,
    "string:json": json_text,
    "string": text,
    "array": texts,
    "double": double,
    "int": whole(2**31 - 1, -(2**31), "of 32 bits"),
    "long": whole(2**53 - 1, -(2**53 - 1), "within 2^53"),
    "boolean": boolean,
    "long:timestamp-micros": moment,
}

# Fields of which their type says too little.
READERS_BY_NAME = {
    "inputs": inputs,
    "features_sha256": written(SHA256, "must be 64 hexadecimal digits in lower case"),
    "horizon": written(LENGTH, "must be a length as in 30s, 5min, 1h, 1d, 1w or 1mo"),
}


class Fields:
    """The fields of a topic's events, of the schema that its events are written by."""

    def __init__(self, topic, schema_text):
        self._topic = topic
        self._fields = {field["name"]: field for field in json.loads(schema_text)["fields"]}
        self._readers = {name: self._reader(name, field["type"]) for name, field in self._fields.items()}
        self.times = [name for name, read in self._readers.items() if read is moment]

    def _reader(self, name, declared):
        inner = next(branch for branch in declared if branch != "null") if isinstance(declared, list) else declared
        named = inner if isinstance(inner, dict) else {"type": inner}
        if named["type"] == "enum":
            return one_of(named["symbols"])
        key = ":".join(part for part in (named["type"], named.get("logicalType")) if part)
        if key not in READERS:
            raise Refused(f"{self._topic}: the registry's newest schema has {name} as {key}, which this package can't write")
        return READERS_BY_NAME.get(name, READERS[key])

    def checked(self, event):
        """The event as it is to be written, its times in microseconds. Raises Refused, whose sentence says what is wrong."""
        written = self._with_nanoseconds(event)
        for name, field in self._fields.items():
            nullable = isinstance(field["type"], list)
            if name not in written:
                if "default" not in field:
                    raise Refused(f"{self._topic}: {name} is missing")
            elif not (nullable and written[name] is None):
                written[name] = self._read(name, written[name])
        for name in written:
            if name not in self._fields:
                raise Refused(f"{self._topic}: {name} is not a field of this event")
        for rule in RULES[self._topic]:
            if is_broken(rule, written):
                raise Refused(f"{self._topic}: {rule['says']}")
        return written

    def _read(self, name, value):
        try:
            return self._readers[name](value)
        except Refused as wrong:
            raise Refused(f"{self._topic}: {name} {wrong}") from None

    def _with_nanoseconds(self, event):
        """pandas' times have nanoseconds below the microsecond, which are kept where the event has a field for them."""
        written = dict(event)
        for name in self.times:
            ns = getattr(written.get(name), "nanosecond", None)
            if ns is None:
                continue
            if f"{name}_ns" in self._fields:
                given = written.setdefault(f"{name}_ns", ns)
                if given != ns:
                    said = f"has {ns} nanoseconds below its microsecond, and {name}_ns is {given}"
                    raise Refused(f"{self._topic}: {name} {said}")
            elif ns:
                said = f"has {ns} nanoseconds below its microsecond, which can't be kept"
                raise Refused(f"{self._topic}: {name} {said}")
        return written


def is_broken(rule, event):
    """Whether the event, whose fields are each well formed, breaks a rule; schemas/rules.json says how one reads."""
    if any(event.get(field) != value for field, value in rule.get("when", {}).items()):
        return False
    value = event.get(rule["field"])
    if value is None or "given" in rule:
        return value is None and "given" in rule
    if "between" in rule:
        low, high = (event.get(name) for name in rule["between"])
        return (low is not None and is_above(low, value)) or (high is not None and is_above(value, high))
    if "length" in rule:
        return not is_length(value, rule["length"])
    if "reserved" in rule:
        return is_reserved(value, rule["reserved"])
    if "digestOf" in rule:
        digested = event.get(rule["digestOf"])
        return digested is not None and value != hashlib.sha256(digested.encode("utf-8")).hexdigest()
    if "above" in rule:
        return value <= rule["above"]
    if "is" in rule:
        return value != rule["is"]
    if "not" in rule:
        return value == rule["not"]
    if "atLeast" in rule:
        other = event.get(rule["atLeast"])
        return other is not None and value < other
    if "before" in rule:
        other = event.get(rule["before"])
        return other is not None and value >= other
    return value < rule.get("min", -math.inf) or value > rule.get("max", math.inf)


def is_above(value, most):
    """Whether a number is greater than another by more than a rounding."""
    return value - most > ROUNDING * abs(value)


def is_length(value, units):
    written = BAR_LENGTH.fullmatch(value)
    if written is None or written[2] not in units:
        return False
    following = units[written[2]]
    return following is None or int(written[1]) % following != 0


def is_reserved(value, reserved):
    own = value.strip().lower()
    return any(own.startswith(name[:-1].lower()) if name.endswith("*") else own == name.lower() for name in reserved)


def broken_link(topic, event, parent):
    """What is wrong between an event and its parent, as a sentence about the event; None if nothing is."""
    return next((link["says"] for link in LINKS[topic] if is_link_broken(link, event, parent)), None)


def is_link_broken(link, event, parent):
    """Whether the two break a link; of `total`, by the event alone. schemas/rules.json says how one reads. A number that is
    none breaks no link: the check of the fields says so."""
    if any(event.get(field) != value for field, value in link.get("when", {}).items()):
        return False
    value, other = event.get(link["field"]), parent.get(link["of"])
    if "atLeast" in link:
        return moment(value) < moment(other)
    if "same" in link:
        return value != other
    if "is" in link:
        return other != link["is"]
    if "not" in link:
        return other == link["not"]
    return isinstance(value, numbers.Real) and isinstance(other, numbers.Real) and is_above(value, other)

"""What Tape and Agent refuse before anything is sent, by the sentences of the TypeScript library."""

import datetime
import decimal
import json
import math
import os
import pathlib

import pytest

from tradetape.agent import Agent, Tape
from tradetape.checks import Fields, broken_link
from tradetape.times import DAY_US, Refused, moment, wrong_time

SCHEMAS = pathlib.Path(__file__).parents[2] / "schemas"
RULES = json.loads((SCHEMAS / "rules.json").read_text("utf-8"))
UTC = datetime.timezone.utc
CLOSE = datetime.datetime(2024, 3, 5, 21, 0, 0, 123456, tzinfo=UTC)
CLOSE_US = 1_709_672_400_123_456
KIND = {"ticks": "tick", "bars": "bar", "predictions": "prediction", "decisions": "decision", "fills": "fill", "performance": "performance"}


def fields_of(topic):
    """By the schemas of the clone, which are those that tradetape registers."""
    name = KIND.get(topic) or topic.removesuffix("s")
    return Fields(topic, (SCHEMAS / f"{name}.avsc").read_text("utf-8"))


def said(topic, event):
    try:
        fields_of(topic).checked(event)
    except Refused as refused:
        return str(refused)
    return None


def test_every_vector_of_the_rules_is_judged_as_it_says():
    says = {topic: {rule["name"]: rule["says"] for rule in rules} for topic, rules in RULES["rules"].items()}
    for topic, good in RULES["good"].items():
        assert said(topic, good) is None
    for vector in RULES["vectors"]:
        topic, breaks = vector["topic"], vector["breaks"]
        expected = None if breaks is None else f"{topic}: {says[topic][breaks]}"
        assert said(topic, {**RULES["good"][topic], **vector["change"]}) == expected, vector


def test_every_vector_of_the_links_is_judged_as_it_says():
    says = {link["name"]: link["says"] for links in RULES["links"].values() for link in links}
    for vector in RULES["linkVectors"]:
        topic, breaks = vector["topic"], vector["breaks"]
        parent = {**RULES["good"][RULES["links"][topic][0]["parent"]], **vector.get("parent", {})}
        found = broken_link(topic, {**RULES["good"][topic], **vector["change"]}, parent)
        assert found == says.get(breaks), vector


def test_what_the_library_refuses_is_refused_by_the_same_sentence():
    refused = json.loads(os.environ["REFUSED"])
    assert len(refused) > 20
    for case in refused:
        assert said(case["topic"], case["event"]) == f"{case['topic']}: {case['says']}"


NO_TIME = "must be whole microseconds since 1970 or a datetime with its time zone"
NAIVE = "has no time zone: give the datetime one, as in datetime(..., tzinfo=timezone.utc)"
NO_JSON = [
    ("close", math.nan, "must be a finite number"),
    ("close", math.inf, "must be a finite number"),
    ("close", True, "must be a finite number"),
    ("close", decimal.Decimal("1.5"), "must be a finite number"),
    ("volume", 2**53 + 1, "must be a number that a double holds exactly"),
    ("timestamp_ns", True, "must be a whole number of 32 bits"),
    ("timestamp_ns", 1.0, "must be a whole number of 32 bits"),
    ("timestamp", True, NO_TIME),
    ("timestamp", CLOSE.timestamp(), NO_TIME),
    ("timestamp", CLOSE.date(), NO_TIME),
    ("timestamp", CLOSE.replace(tzinfo=None), NAIVE),
    ("received_at", CLOSE.replace(tzinfo=None), NAIVE),
    ("received_at", "2024-03-05T21:00:00Z", NO_TIME),
    ("venue", "\ud800", "must not hold a lone surrogate"),
]


def test_values_that_json_does_not_have():
    for field, value, sentence in NO_JSON:
        assert said("ticks", {**RULES["good"]["ticks"], field: value}) == f"ticks: {field} {sentence}"


def test_an_aware_datetime_is_the_microsecond_that_it_names():
    kathmandu = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
    assert moment(CLOSE) == moment(CLOSE.astimezone(kathmandu)) == moment(CLOSE_US) == CLOSE_US
    assert moment(datetime.datetime(1962, 1, 2, tzinfo=UTC)) == -252_374_400_000_000
    written = fields_of("ticks").checked({**RULES["good"]["ticks"], "timestamp": CLOSE, "volume": 100})
    assert written["timestamp"] == CLOSE_US and type(written["volume"]) is float


def test_a_topic_whose_newest_schema_counts_times_in_another_unit_is_not_written_to():
    text = (SCHEMAS / "tick.avsc").read_text("utf-8").replace("timestamp-micros", "timestamp-millis")
    sentence = "the registry's newest schema has timestamp as long:timestamp-millis, which this package can't write"
    with pytest.raises(Refused, match=f"^ticks: {sentence}$"):
        Fields("ticks", text)


class Nanosecond(datetime.datetime):
    """As pandas' Timestamp."""

    nanosecond = 789


def test_nanoseconds_are_kept_where_there_is_a_field_for_them_and_else_refused():
    close = Nanosecond(2024, 3, 5, 21, 0, 0, 123456, tzinfo=UTC)
    tick, bar = {**RULES["good"]["ticks"], "timestamp": close}, {**RULES["good"]["bars"], "timestamp": close}
    written = fields_of("ticks").checked(tick)
    assert (written["timestamp"], written["timestamp_ns"]) == (CLOSE_US, 789)
    both = "ticks: timestamp has 789 nanoseconds below its microsecond, and timestamp_ns is 7"
    assert said("ticks", {**tick, "timestamp_ns": 7}) == both
    assert said("bars", bar) == "bars: timestamp has 789 nanoseconds below its microsecond, which can't be kept"


class Sent:
    """A producer that only counts."""

    def __init__(self):
        self.messages = []

    def produce(self, topic, **message):
        self.messages.append((topic, message))

    def poll(self, _seconds):
        return 0


@pytest.fixture
def tape(monkeypatch):
    made = Tape.from_environment()
    monkeypatch.setattr(made, "_producer", Sent())
    return made


def refusal(call, *args, **fields):
    with pytest.raises(ValueError) as refused:
        call(*args, **fields)
    return str(refused.value)


def test_a_time_in_milliseconds_is_refused_unless_early_1970_is_meant(tape, monkeypatch):
    tick = {**RULES["good"]["ticks"], "timestamp": CLOSE_US // 1000}
    assert refusal(tape.publish, "ticks", tick["symbol_id"], tick) == (
        "ticks: timestamp 1709672400123 would be 1970-01-20T18:54:32.400Z; as milliseconds it is 2024-03-05T21:00:00.123Z. "
        "Times are microseconds since 1970; where the first quarter of 1970 is meant, set TRADETAPE_EARLY_1970=allow"
    )
    seconds = {**tick, "timestamp": CLOSE_US // 1_000_000}
    assert "as seconds 2024-03-05T21:00:00.000Z" in refusal(tape.publish, "ticks", tick["symbol_id"], seconds)
    assert tape._producer.messages == []
    monkeypatch.setattr(tape, "_early_1970", "allow")
    tape.publish("ticks", tick["symbol_id"], tick)
    assert len(tape._producer.messages) == 1


def test_a_time_of_next_month_is_refused(tape):
    ahead = datetime.datetime.now(UTC) + datetime.timedelta(days=30)
    tick = {**RULES["good"]["ticks"], "timestamp": ahead}
    assert "is more than two days ahead of this machine's time" in refusal(tape.publish, "ticks", "k", tick)
    assert tape._producer.messages == []


def test_a_window_may_end_ahead_and_not_begin_there():
    def wrong(**times):
        return wrong_time(fields_of("performance").times, {**RULES["good"]["performance"], **times}, "refuse", CLOSE_US)

    ahead = CLOSE_US + 30 * DAY_US
    assert wrong(window_start=CLOSE_US, window_end=ahead) is None
    assert wrong(window_start=ahead, window_end=ahead).startswith("window_start 2024-04-04T21:00:00.123Z is more than two days")


def test_the_agent_refuses_what_the_library_refuses(tape):
    agent = Agent(tape, actor="a", model_version="m", strategy="s")
    symbol = RULES["good"]["ticks"]["symbol_id"]
    prediction = agent.predict("k", symbol, CLOSE, probability_up=0.6)
    hold = agent.decide("k", prediction, CLOSE, action="HOLD", approved=False)
    buy = agent.decide("k", prediction, CLOSE_US, action="BUY", size=10, approved=True)
    unapproved = agent.decide("u", prediction, CLOSE, action="SELL", size=1.0, approved=False)
    rejected = agent.fill("r", buy, CLOSE, "paper", status="REJECTED")
    assert (hold["size"], rejected["quantity"], len(tape._producer.messages)) == (0, 0, 5)
    elsewhere = RULES["good"]["sessions"]["backtest_session_id"]
    other = Agent(tape, actor="a", model_version="m", strategy="s", session=elsewhere)

    def decides(by=agent, key="k", at=CLOSE, **fields):
        return refusal(by.decide, key, prediction, at, **{"action": "HOLD", "approved": False, **fields})

    def fills(decision, by=agent, **fields):
        filled = {"status": "FILLED", "quantity": 1.0, "executed_price": 1.0, **fields}
        return refusal(by.fill, "k", decision, CLOSE, "paper", **filled)

    acts = f"this agent acts in session {elsewhere}"
    earlier = CLOSE - datetime.timedelta(microseconds=1)
    for found, expected in [
        (decides(size=1.0), "decisions: size must be 0 when action is HOLD"),
        (decides(action="BUY"), "decisions: size must be a finite number"),
        (decides(at=earlier), "decisions: timestamp must not lie before that of its prediction"),
        (decides(symbol_id=elsewhere), "decisions: symbol_id must be that of its prediction"),
        (decides(by=other), f"decisions: the prediction is of live trading, and {acts}"),
        (decides(key=5), "decisions: key must be given, as text"),
        (decides(sise=1), "decisions: sise is not a field of this event"),
        (fills(hold), "fills: decision_id must not name a decision to HOLD"),
        (fills(unapproved), "fills: status must not be FILLED when its decision was not approved"),
        (fills(buy, symbol_id=elsewhere), "fills: symbol_id must be that of its decision"),
        (fills(buy, by=other), f"fills: the decision is of live trading, and {acts}"),
        (fills(buy, status="REJECTED"), "fills: quantity must be 0 when status is REJECTED"),
        (fills(buy, quantity=math.nan), "fills: quantity must be a finite number"),
        (fills(buy, executed_price=None), "fills: executed_price must be given when status is FILLED"),
    ]:
        assert found == expected
    assert len(tape._producer.messages) == 5


def test_the_agent_writes_its_inputs_and_hands_the_price_source_on(tape):
    agent = Agent(tape, actor="a", model_version="m", strategy="s")
    symbol = RULES["good"]["ticks"]["symbol_id"]
    bar = {"kind": "bar", "id": symbol, "known_at": CLOSE, "value": 170.1}
    prediction = agent.predict("k", symbol, CLOSE, price_source="lean", horizon="1d", inputs=[bar])
    assert json.loads(prediction["inputs"]) == [{**bar, "known_at": CLOSE_US}]
    decision = agent.decide("k", prediction, CLOSE, action="BUY", size=1.0, approved=True, decision_price=170.1)
    fill = agent.fill("x", decision, CLOSE, "paper", status="FILLED", quantity=1.0, executed_price=1.0, priced_at=CLOSE)
    assert [event["price_source"] for event in (prediction, decision, fill)] == ["lean"] * 3
    assert (decision["inputs"], len(tape._producer.messages)) == (None, 3)
    naive = {**bar, "known_at": CLOSE.replace(tzinfo=None)}
    assert refusal(agent.predict, "k", symbol, CLOSE, inputs=[naive]).startswith("predictions: inputs has no time zone")
    assert "JSON can hold" in refusal(agent.predict, "k", symbol, CLOSE, inputs=[{**bar, "value": math.nan}])
    assert "item 0 must be an object" in refusal(agent.predict, "k", symbol, CLOSE, inputs=["bar"])

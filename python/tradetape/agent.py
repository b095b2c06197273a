"""An agent that publishes predictions, decisions and fills, with confluent-kafka: an example to start from.

    KAFKA_BROKERS=... SCHEMA_REGISTRY_URL=... python -m tradetape.agent AAPL NASDAQ

publishes a prediction, the decision that rests on it and its two fills, and prints their ids. Run again, it publishes
the same ids, and nothing lands twice. KAFKA_BROKERS, SCHEMA_REGISTRY_URL, TRADETAPE_NAMESPACE and TRADETAPE_EARLY_1970
are tradetape's own.
"""

import datetime
import json
import math
import os
import sys

from confluent_kafka import KafkaException, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tradetape.checks import Fields
from tradetape.ids import rule_id, strategy_id, symbol_id
from tradetape.links import wrong_decision_link, wrong_fill_link
from tradetape.times import Refused, moment, now_us, wrong_time

FLUSH_SECONDS_MAX = 30


class Tape:
    """Publishes events that keep the rules of the TypeScript library; `flush` returns when every replica has them, or
    raises. `early_1970` is "refuse" or "allow": whether times in the first quarter of 1970 are meant."""

    def __init__(self, brokers, registry_url, namespace="", early_1970="refuse"):
        self._namespace = namespace
        self._early_1970 = early_1970
        self._registry = SchemaRegistryClient({"url": registry_url})
        self._writers = {}
        self._refused = []
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "acks": "all",
                "enable.idempotence": True,
                # librdkafka's own default sends a key to another partition than every Java and TypeScript client does,
                # and one symbol's events would be out of order.
                "partitioner": "murmur2_random",
            }
        )

    @classmethod
    def from_environment(cls):
        env = os.environ
        early_1970 = env.get("TRADETAPE_EARLY_1970") or "refuse"
        return cls(env["KAFKA_BROKERS"], env["SCHEMA_REGISTRY_URL"], env.get("TRADETAPE_NAMESPACE", ""), early_1970)

    def publish(self, topic, key, event, headers=None):
        """Hands one event over. Times are aware datetimes or whole microseconds, ids text; absent fields are null. Raises
        Refused, a ValueError that says what is wrong with the event, and then sends nothing."""
        full = f"{self._namespace}.{topic}" if self._namespace else topic
        fields, serialize = self._writer(topic, full)
        written = fields.checked(event)
        refuse(topic, wrong_time(fields.times, written, self._early_1970, now_us()))
        value = serialize(written, SerializationContext(full, MessageField.VALUE))
        self._producer.produce(full, key=key, value=value, headers=headers or {}, on_delivery=self._told)
        self._producer.poll(0)

    def flush(self):
        left = self._producer.flush(FLUSH_SECONDS_MAX)
        if left or self._refused:
            raise KafkaException(self._refused[0] if self._refused else f"{left} events weren't acknowledged in time")

    def _told(self, error, _message):
        if error is not None:
            self._refused.append(error)

    def _writer(self, topic, full):
        """The fields and the serializer by the newest schema of the topic; tradetape registers them, an agent makes none."""
        if full not in self._writers:
            newest = self._registry.get_latest_version(f"{full}-value").schema.schema_str
            config = {"auto.register.schemas": False, "use.latest.version": True}
            self._writers[full] = Fields(topic, newest), AvroSerializer(self._registry, conf=config)
        return self._writers[full]


class Agent:
    """Fills in ids, links and headers as the TypeScript library's agent does. `key` is the caller's own: the same key is
    the same event, whenever and however often it is published. What can't be is refused before anything is sent."""

    def __init__(self, tape, actor, model_version, strategy, session=None):
        self._tape = tape
        self._actor = actor
        self._model_version = model_version
        self._strategy_id = strategy_id(strategy)
        self._session = session

    def predict(self, key, symbol, timestamp, **fields):
        """`inputs` may be a list of {kind, id, known_at, value}: the events that it was made of."""
        require_text("predictions", key=key, symbol_id=symbol)
        event = {
            **fields,
            "inputs": inputs_text("predictions", fields.get("inputs")),
            "prediction_id": rule_id("prediction", self._own_key(symbol, key)),
            "symbol_id": symbol,
            "timestamp": timestamp,
            "model_version": self._model_version,
            "backtest_session_id": self._session,
        }
        return self._publish("predictions", event, root=event["prediction_id"])

    def decide(self, key, prediction, timestamp, **fields):
        """`size` is 0 for HOLD where it isn't given, `price_source` the prediction's; `inputs` as in `predict`."""
        symbol = fields.get("symbol_id", prediction["symbol_id"])
        require_text("decisions", key=key, symbol_id=symbol)
        event = {
            "size": 0 if fields.get("action") == "HOLD" else math.nan,
            "price_source": prediction.get("price_source"),
            **fields,
            "inputs": inputs_text("decisions", fields.get("inputs")),
            "decision_id": rule_id("decision", self._own_key(symbol, key)),
            "symbol_id": symbol,
            "timestamp": timestamp,
            "model_reference": prediction["prediction_id"],
            "strategy_id": self._strategy_id,
            "backtest_session_id": self._session,
        }
        refuse("decisions", wrong_decision_link(event, prediction))
        return self._publish("decisions", event, root=prediction["prediction_id"], cause=prediction["prediction_id"])

    def fill(self, key, decision, timestamp, broker, **fields):
        """`quantity` is 0 where it isn't given, unless `status` is FILLED; `price_source` is the decision's."""
        require_text("fills", key=key, broker=broker, decision_id=decision.get("decision_id"))
        event = {
            "symbol_id": decision["symbol_id"],
            "quantity": math.nan if fields.get("status") == "FILLED" else 0,
            "broker_execution_id": key,
            "price_source": decision.get("price_source"),
            **fields,
            "execution_id": rule_id("fill", {"decision_id": decision["decision_id"], "broker": broker, "key": key}),
            "decision_id": decision["decision_id"],
            "timestamp": timestamp,
            "broker": broker,
            "backtest_session_id": self._session,
        }
        refuse("fills", wrong_fill_link(event, decision))
        root = decision.get("model_reference") or decision["decision_id"]
        return self._publish("fills", event, root=root, cause=decision["decision_id"])

    def _own_key(self, symbol, key):
        return {
            "actor": self._actor,
            "model_version": self._model_version,
            "strategy_id": self._strategy_id,
            "session": self._session,
            "symbol_id": symbol,
            "key": key,
        }

    def _publish(self, topic, event, root, cause=None):
        headers = {"correlation-id": root, "actor": self._actor}
        if cause is not None:
            headers["causation-id"] = cause
        self._tape.publish(topic, event["symbol_id"], event, headers)
        return event


def refuse(topic, wrong):
    if wrong is not None:
        raise Refused(f"{topic}: {wrong}")


def inputs_text(topic, inputs):
    """The text of the field `inputs`, whose `known_at` may be datetimes; text is taken as it is."""
    if not isinstance(inputs, (list, tuple)):
        return inputs
    try:
        read = [{**item, "known_at": moment(item["known_at"])} if "known_at" in item else item for item in inputs]
        return json.dumps(read, allow_nan=False)
    except Refused as wrong:
        raise Refused(f"{topic}: inputs {wrong}") from None
    except (TypeError, ValueError) as wrong:
        raise Refused(f"{topic}: inputs must be a list of objects that JSON can hold: {wrong}") from None


def require_text(topic, **named):
    """What ids are made of has to be there before they are made."""
    for name, value in named.items():
        if not isinstance(value, str) or value == "":
            raise Refused(f"{topic}: {name} must be given, as text")


def main(ticker, exchange):
    tape = Tape.from_environment()
    symbol = symbol_id(ticker, exchange)
    tape.publish("symbols", symbol, {"symbol_id": symbol, "ticker": ticker, "exchange": exchange})
    agent = Agent(tape, actor="python-example", model_version="example-1", strategy="example")
    close = datetime.datetime(2024, 3, 5, 21, 0, 0, 123456, tzinfo=datetime.timezone.utc)
    prediction = agent.predict("2024-03-05", symbol, close, probability_up=0.62, predicted_price=171.5)
    decision = agent.decide(
        "2024-03-05", prediction, close, action="BUY", size=10.0, approved=True, reason="0.62 is over 0.55"
    )
    later = datetime.timedelta(milliseconds=3)
    fills = [
        agent.fill(
            f"x-{n}", decision, close + n * later, "paper", status="FILLED", quantity=quantity, executed_price=170.12
        )
        for n, quantity in enumerate([4.0, 6.0], start=1)
    ]
    tape.flush()
    ids = {"symbol_id": symbol, "prediction_id": prediction["prediction_id"], "decision_id": decision["decision_id"]}
    print(json.dumps({**ids, "execution_ids": [fill["execution_id"] for fill in fills]}))


if __name__ == "__main__":
    main(*sys.argv[1:])

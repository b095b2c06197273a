"""Publishes predictions as a Python agent would: schema from the registry, fastavro, confluent-kafka.

    python3 -m venv venv && venv/bin/pip install fastavro confluent-kafka
    venv/bin/python test/interop/publish_predictions.py zstd SYMBOL_ID...

KAFKA_BROKERS, SCHEMA_REGISTRY_URL and TRADETAPE_NAMESPACE are read as tradetape reads them. One prediction per symbol
and minute, 100 of each; the last line on standard output is a JSON object with `codec` and `acknowledged`.
"""

import io
import json
import os
import struct
import sys
import urllib.request
import uuid

import fastavro
from confluent_kafka import Producer

PER_SYMBOL = 100
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tradetape:interop")
START_US = 1_600_000_000_000_000


def fetch_schema(topic):
    """The newest schema of a topic's values, and its id, which every message begins with."""
    url = f"{os.environ['SCHEMA_REGISTRY_URL']}/subjects/{topic}-value/versions/latest"
    with urllib.request.urlopen(url) as answer:
        latest = json.load(answer)
    return latest["id"], fastavro.parse_schema(json.loads(latest["schema"]))


def encode(schema_id, schema, event):
    """Confluent's wire format: a zero byte, the id in four bytes, the Avro body."""
    out = io.BytesIO()
    out.write(struct.pack(">bI", 0, schema_id))
    fastavro.schemaless_writer(out, schema, event)
    return out.getvalue()


def prediction(codec, symbol_id, i):
    return {
        "prediction_id": str(uuid.uuid5(NAMESPACE, f"{codec}/{symbol_id}/{i}")),
        "symbol_id": symbol_id,
        "timestamp": START_US + i * 60_000_000,
        "predicted_price": 100.0 + i / 7,
        "probability_up": (i % 101) / 100,
        "confidence_score": None,
        "model_version": f"interop-{codec}",
        "backtest_session_id": None,
    }


def main(codec, symbol_ids):
    prefix = os.environ.get("TRADETAPE_NAMESPACE", "")
    topic = f"{prefix}.predictions" if prefix else "predictions"
    schema_id, schema = fetch_schema(topic)
    producer = Producer(
        {
            "bootstrap.servers": os.environ["KAFKA_BROKERS"],
            "compression.type": codec,
            "acks": "all",
            # librdkafka's own default sends a key elsewhere than every Java and TypeScript client does.
            "partitioner": "murmur2_random",
            # Batches of one are stored uncompressed: without waiting, the codec would go untried.
            "linger.ms": 100,
        }
    )
    acknowledged, refused = [], []

    def told(error, message):
        (refused if error else acknowledged).append(error or message.offset())

    for i in range(PER_SYMBOL):
        for symbol_id in symbol_ids:
            value = encode(schema_id, schema, prediction(codec, symbol_id, i))
            producer.produce(topic, key=symbol_id, value=value, on_delivery=told)
        producer.poll(0)
    producer.flush(30)
    for error in refused:
        print(error, file=sys.stderr)
    print(json.dumps({"codec": codec, "acknowledged": len(acknowledged)}))
    return 0 if len(acknowledged) == PER_SYMBOL * len(symbol_ids) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

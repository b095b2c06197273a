"""Publishes to partition 0 of a topic in transactions, by librdkafka (see requirements.txt).

    python test/interop/transactions.py TOPIC < transactions.jsonl

KAFKA_BROKERS names the brokers. Each line of standard input is one transaction, {"end": "commit" or "abort", "values":
[base64, ...]}; what aborts has reached the broker first. Prints {"committed": n, "aborted": n} in messages.
"""

import base64
import json
import os
import sys

from confluent_kafka import Producer


def main(topic):
    producer = Producer(
        {
            "bootstrap.servers": os.environ["KAFKA_BROKERS"],
            "transactional.id": f"{topic}.{os.getpid()}",
            "linger.ms": 0,
        }
    )
    producer.init_transactions(30)
    done = {"committed": 0, "aborted": 0}
    for line in sys.stdin:
        transaction = json.loads(line)
        producer.begin_transaction()
        for value in transaction["values"]:
            producer.produce(topic, partition=0, key="k", value=base64.b64decode(value))
        # An abort drops what is still in the producer's queue, which then leaves nothing in the log.
        if producer.flush(30) > 0:
            raise RuntimeError("the broker didn't take it all within 30 s")
        if transaction["end"] == "commit":
            producer.commit_transaction(30)
            done["committed"] += len(transaction["values"])
        else:
            producer.abort_transaction(30)
            done["aborted"] += len(transaction["values"])
    print(json.dumps(done))


if __name__ == "__main__":
    main(sys.argv[1])

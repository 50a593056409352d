"""Read the closed tickets of a hotline-mesh: each closing once in effect, resuming where the last run stopped.

办结工单消费者(Python):每次办结只生效一次,重启后从断点继续。

One file, to copy into your own project; it needs `confluent-kafka` and nothing else. Use it as a library:

    with ClosedTickets("closed.sqlite", {"bootstrap.servers": "kafka:9092"}) as feed:
        for ticket in feed:                       # a transaction is open while your code runs
            feed.db.execute("INSERT INTO my_table VALUES (?, ?)", (ticket.token, ticket.data["rating"]))

or as a program: `python closed_tickets.py --bootstrap-servers kafka:9092 --state closed.sqlite`.

How a closing comes to count once: your effect, the newest generation of the ticket and the Kafka offset are written in
one SQLite transaction. A crash loses all three or none; a record that arrives again finds its generation there.
"""

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

EVENT_TYPE: Final = "ticket.closed.v1"
END_OF_PARTITION: Final = KafkaError._PARTITION_EOF  # noqa: SLF001 - the library's public name for it
TABLES: Final = """
CREATE TABLE IF NOT EXISTS closed_ticket (token TEXT PRIMARY KEY, generation INTEGER NOT NULL, id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS position (topic TEXT, partition INTEGER, next INTEGER, PRIMARY KEY (topic, partition));
"""


@dataclass(frozen=True)
class ClosedTicket:
    """One closing: `token` and `generation` identify it; `data` is the record's JSON (ticket.closed.v1.schema.json)."""

    token: str
    generation: int
    id: str
    time: str
    data: dict[str, Any]


class ClosedTickets:
    """The feed of closings; one process per state file, since that file holds the position.

    Iterating ends never, or at the end of the topic if `until_end`. The transaction of a ticket is committed when the
    next one is asked for; leaving the `with` block by an exception rolls it back, and the ticket comes again.
    """

    def __init__(
        self, state: str, kafka: dict[str, Any], *, topic: str = "closed-tickets", until_end: bool = False
    ) -> None:
        self.db = sqlite3.connect(state, isolation_level=None)
        self.db.executescript(TABLES)
        self._until_end, self._ended, self._topic = until_end, set[int](), topic
        defaults = {"group.id": "closed-tickets-example", "client.id": "closed-tickets-example"}
        fixed = {"enable.auto.commit": False, "enable.partition.eof": True, "isolation.level": "read_committed"}
        self._consumer = Consumer(defaults | kafka | fixed)
        self._partitions: list[TopicPartition] = []

    def __enter__(self) -> Self:
        # Positions are ours (they lie beside the effects), so partitions are assigned by hand, not by a group.
        known = self._consumer.list_topics(self._topic, timeout=30).topics[self._topic]
        if known.error is not None or not known.partitions:
            raise KafkaException(known.error)
        stored = dict(self.db.execute("SELECT partition, next FROM position WHERE topic = ?", (self._topic,)))
        self._partitions = [
            TopicPartition(self._topic, number, stored.get(number, OFFSET_BEGINNING)) for number in known.partitions
        ]
        self._consumer.assign(self._partitions)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK" if error is not None else "COMMIT")
        self._consumer.close()
        self.db.close()

    def __iter__(self) -> Iterator[ClosedTicket]:
        while len(self._ended) < len(self._partitions):
            message = self._consumer.poll(1.0)
            if message is None:
                continue
            error = message.error()
            if error is not None:
                if error.code() != END_OF_PARTITION:
                    raise KafkaException(error)
                if self._until_end:
                    self._ended.add(message.partition())
                continue
            self.db.execute("BEGIN IMMEDIATE")
            ticket = read(message)
            if ticket is not None and self._is_new(ticket):
                yield ticket
            self._advance(message)
            self.db.execute("COMMIT")

    def _is_new(self, ticket: ClosedTicket) -> bool:
        row = self.db.execute("SELECT generation FROM closed_ticket WHERE token = ?", (ticket.token,)).fetchone()
        if row is not None and row[0] >= ticket.generation:
            return False  # the same closing again, or one that a later generation has replaced
        self.db.execute(
            "INSERT OR REPLACE INTO closed_ticket VALUES (?, ?, ?)", (ticket.token, ticket.generation, ticket.id)
        )
        return True

    def _advance(self, message: Message) -> None:
        self.db.execute(
            "INSERT OR REPLACE INTO position VALUES (?, ?, ?)",
            (message.topic(), message.partition(), (message.offset() or 0) + 1),
        )


def read(message: Message) -> ClosedTicket | None:
    """Give the closing that a record holds; None for a tombstone or an event of another type or version.

    A topic may gain types and fields at any time; a new version has a new name and comes beside the old one.
    """
    headers = dict(message.headers() or [])
    key, value = message.key(), message.value()
    if key is None or value is None or headers.get("ce_type") != EVENT_TYPE.encode():
        return None
    data = json.loads(value)
    return ClosedTicket(key.decode(), data["generation"], headers["ce_id"].decode(), headers["ce_time"].decode(), data)


def main() -> int:
    """Print each closing as a line of JSON."""
    parser = argparse.ArgumentParser(description="Print each closing once. / 逐条打印办结工单,每次办结一行。")
    parser.add_argument("--bootstrap-servers", required=True, help="host:port of the Kafka cluster")
    parser.add_argument("--topic", default="closed-tickets", help="default: closed-tickets")
    parser.add_argument("--state", default="closed.sqlite", help="SQLite file of effects and position")
    parser.add_argument("--until-end", action="store_true", help="stop at the end of the topic instead of waiting")
    options = parser.parse_args()
    kafka = {"bootstrap.servers": options.bootstrap_servers}
    with ClosedTickets(options.state, kafka, topic=options.topic, until_end=options.until_end) as feed:
        for ticket in feed:
            words = {"token": ticket.token, "generation": ticket.generation, "rating": ticket.data["rating"]}
            print(json.dumps(words), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except KafkaException as error:
        sys.exit(f"closed_tickets: {error.args[0]}")

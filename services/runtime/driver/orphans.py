"""Partitions that nobody owns: a member that comes back sees them, and has its group share them out anew.

In a cooperative rebalance a member gives partitions up and joins again, and only that second round gives them to
another one. A static member that dies between the two and is back within its session gets its old, smaller assignment
without a rebalance (KIP-345): the second round never comes, and the partitions stand still for as long as nothing else
happens to the group. So each static member looks, from its start until it has seen the group whole. Whoever dies
mid-way either comes back and looks, or its session ends and the group shares out by itself.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient
from faust.types import TP

LOOKS_PER_SESSION = 6
_log = logging.getLogger(__name__)


class Lookout(threading.Thread):
    """Ends when it has seen the group own all of `topics`; on an error that is not Kafka's it hands that to `fail`.

    `others` are topics that this member may read and nobody in the group subscribes to, if there are any.
    """

    def __init__(
        self,
        member_config: dict[str, Any],
        topics: Iterable[str],
        others: Iterable[str],
        fail: Callable[[BaseException], None],
    ) -> None:
        super().__init__(name="rdkafka-lookout", daemon=True)
        self._config, self._topics, self._fail = member_config, sorted(topics), fail
        self._bait = sorted(others) or self._topics
        self._session: float = member_config["session.timeout.ms"] / 1000
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def run(self) -> None:
        """Look; partitions that stand without an owner for half a session are not on their way to one."""
        try:
            admin = AdminClient({name: self._config[name] for name in ("bootstrap.servers", "log_level")})
            missed, since = frozenset[TP](), time.monotonic()
            while not self._stopping.wait(self._session / LOOKS_PER_SESSION):
                found = self._orphans(admin)
                if found == frozenset():
                    return
                if found is None or found != missed:
                    missed, since = found or frozenset(), time.monotonic()
                elif time.monotonic() - since >= self._session / 2:
                    _log.warning("nobody owns %s: sharing out anew", sorted(found))
                    self._share_out()
                    since = time.monotonic()
        except BaseException as error:  # noqa: BLE001 - the worker must hear of it, whatever it is
            self._fail(error)

    def _orphans(self, admin: AdminClient) -> frozenset[TP] | None:
        """Give the partitions that no member owns; None: the group is rebalancing, or cannot be asked now."""
        name = self._config["group.id"]
        try:
            group = admin.describe_consumer_groups([name], request_timeout=10)[name].result()
            topics = [admin.list_topics(topic, timeout=10).topics[topic] for topic in self._topics]
        except KafkaException:
            return None
        # A topic that cannot be told names no partitions: that is not the same as all of them being owned.
        if group.state is not ConsumerGroupState.STABLE or any(topic.error is not None for topic in topics):
            return None
        owned = {TP(tp.topic, tp.partition) for member in group.members for tp in member.assignment.topic_partitions}
        return frozenset(TP(topic.topic, number) for topic in topics for number in topic.partitions) - owned

    def _share_out(self) -> None:
        """Have every member join again: a guest joins and leaves.

        librdkafka cannot be asked to join again, and a static member that only restarts is answered from memory. The
        guest subscribes to what the others do not, so that no partition of theirs moves for it.
        """
        config = {name: value for name, value in self._config.items() if name != "group.instance.id"}
        joined = threading.Event()
        guest = Consumer(config)
        guest.subscribe(self._bait, on_assign=lambda *_: joined.set())
        deadline = time.monotonic() + 2 * self._session  # members that are busy join at their next poll
        while not joined.is_set() and time.monotonic() < deadline:
            guest.poll(0.1)
        guest.close()

"""What Faust's router and store code ask an assignor; the assignment itself is librdkafka's (cooperative-sticky)."""

from typing import Any

from faust.types import TP


class OwnPartitions:
    """Knows this worker's partitions: those that its consumer owns. There are no standbys."""

    def __init__(self, app: Any, replicas: int = 0) -> None:
        if replicas:
            raise ValueError("this driver has no standby replicas; set table_standby_replicas=0")
        self.app, self.replicas = app, replicas

    def group_for_topic(self, topic: str) -> int:  # noqa: ARG002 - Faust's signature
        """Give the one group there is."""
        return 0

    def assigned_actives(self) -> set[TP]:
        """Give the owned partitions of sources."""
        owned: set[TP] = self.app.consumer.assignment()
        return owned

    def assigned_standbys(self) -> set[TP]:
        """Give nothing."""
        return set()

    def is_active(self, tp: TP) -> bool:
        """Say whether a partition is owned."""
        return tp in self.assigned_actives()

    def is_standby(self, tp: TP) -> bool:  # noqa: ARG002 - Faust's signature
        """Say no."""
        return False

"""What Faust asks of any consumer, and this one answers in another way: nothing here does anything."""

from typing import Any

from mode import Service


class AnyConsumer(Service):
    """Stands in for `faust.transport.consumer.Consumer`, whose fetching, acknowledging and flow are not used."""

    in_transaction = False

    def __init__(self, **kwargs: Any) -> None:
        self.randomly_assigned_topics: set[str] = set()
        self.unacked: set[Any] = set()
        self._unacked_messages = self.unacked
        super().__init__(**{name: value for name, value in kwargs.items() if name in {"loop", "beacon"}})

    def ack(self, _message: Any) -> bool:
        """Do nothing: `finish` acknowledges."""
        return True

    def stop_flow(self) -> None:
        """Do nothing: partitions are paused one by one."""

    def resume_flow(self) -> None:
        """Do nothing."""

    def pause_partitions(self, _tps: Any) -> None:
        """Do nothing."""

    def resume_partitions(self, _tps: Any) -> None:
        """Do nothing."""

    def on_buffer_full(self, _tp: Any) -> None:
        """Do nothing: the poller stops by itself."""

    def on_buffer_drop(self, _tp: Any) -> None:
        """Do nothing."""

    def topic_partitions(self, topic: str) -> None:  # noqa: ARG002 - Faust's signature
        """Know nothing."""
        return  # not asked of the broker: tables name their source themselves

    def close(self) -> None:
        """Do nothing: `on_stop` closes."""

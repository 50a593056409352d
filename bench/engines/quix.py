"""The job on Quix Streams, in its own idiom: JSON in and out, its RocksDB state with changelog, a commit a second."""

from typing import Any

from quixstreams import Application

from bench.engines.job import arguments, folded

NO_KEY_OF_ITS_OWN = "t"
"""The state of a Quix application is kept per message key already; inside, a name is asked for."""


def main() -> None:
    """Work until killed."""
    args = arguments()
    app = Application(
        broker_address=args.bootstrap,
        consumer_group=args.group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        processing_guarantee="at-least-once",
        state_dir=str(args.home / "state"),
        producer_extra_config={
            "linger.ms": 5, "compression.type": "lz4", "batch.size": 262_144, "acks": "all",
            "queue.buffering.max.messages": 500_000,
        },
        consumer_extra_config={"fetch.queue.backoff.ms": 5, "group.instance.id": "a"},
        loglevel="WARNING",
    )  # fmt: skip
    source = app.topic(args.source, key_deserializer="bytes", value_deserializer="json")
    out = app.topic(args.out, key_serializer="bytes", value_serializer="json")

    def job(event: dict[str, Any], state: Any) -> dict[str, Any] | None:
        done = folded(state.get(NO_KEY_OF_ITS_OWN), event)
        if done is None:
            return None
        state.set(NO_KEY_OF_ITS_OWN, done[0])
        return done[1]

    frame = app.dataframe(source).apply(job, stateful=True)
    frame = frame.filter(lambda output: output is not None)
    frame.to_topic(out)
    app.run()


if __name__ == "__main__":
    main()

"""Logs: JSON lines on standard error, known keys only, so that no field can carry a person by accident."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

ALLOWED: Final = frozenset(
    {
        "event", "level", "timestamp", "service", "version", "instance", "topic", "partition", "offset", "ticket",
        "code", "reason", "error", "count", "port", "address", "seconds", "group", "rulebook", "path", "pid",
    }
)  # fmt: skip
"""Keys that a log line may have; others are dropped and counted in `dropped`."""


def _allow(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    dropped = sorted(key for key in line if key not in ALLOWED)
    kept = {key: value for key, value in line.items() if key in ALLOWED}
    return kept | {"dropped": dropped} if dropped else kept


def configure(service: str) -> None:
    """Set up logging of a process; libraries' own lines are shown from WARNING on, without their arguments' records."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _allow,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service)


def get() -> Any:
    """Give the logger."""
    return structlog.get_logger()

"""A log as a file: Kafka records, one JSON object a line, gzip if the name ends so; what auditors keep."""

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from services.core.service import Position
from services.runtime.engine import Record

TOPICS = ("ticket-commands", "ticket-events", "closed-tickets", "reminder-events", "contact-tasks", "unit-scores")
"""What an export holds: everything that decides, and what was decided; no topic with personal data."""


class LogFileError(ValueError):
    """The file is no log; the message names file and line."""


def _text(raw: bytes | None) -> str | dict[str, str] | None:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return value.encode() if value is not None else None


def _open(path: Path, mode: str) -> IO[str]:
    if path.suffix == ".gz":
        return cast("IO[str]", gzip.open(path, f"{mode}t", encoding="utf-8"))
    return path.open(mode, encoding="utf-8")


def write_log(path: Path, records: Iterable[Record]) -> int:
    """Write records to `path`; gives how many."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open(path, "w") as file:
        for record in records:
            at = record.position
            line = {
                "topic": at.topic, "partition": at.partition, "offset": at.offset, "appended_at": record.appended_at,
                "key": _text(record.key), "headers": [[name, _text(value)] for name, value in record.headers],
                "value": _text(record.value),
            }  # fmt: skip
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def read_log(path: Path) -> Iterator[Record]:
    """Give the records of a file that `write_log` wrote; raises `LogFileError`."""
    try:
        with _open(path, "r") as file:
            for number, line in enumerate(file, start=1):
                try:
                    data = json.loads(line)
                    position = Position(data["topic"], data["partition"], data["offset"])
                    headers = tuple((name, _bytes(value)) for name, value in data["headers"])
                    record = Record(position, _bytes(data["key"]), _bytes(data["value"]), headers, data["appended_at"])
                except (ValueError, KeyError, TypeError) as error:
                    raise LogFileError(f"{path}:{number}: is no record of a log: {type(error).__name__}") from None
                yield record
    except (OSError, EOFError) as error:
        raise LogFileError(f"{path}: cannot be read: {error}") from None

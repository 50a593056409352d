"""Reads a sample of a platform's records: JSON, JSON lines or CSV, each record held to the limits of the door."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.core.upstream.survey import Numbered
from services.core.upstream.translation import Fault
from services.intake.gateway import limits
from services.intake.gateway.problems import ProblemError


class SampleError(ValueError):
    """The sample cannot be read as a whole; the message says why, and nothing of what it holds."""


def read_sample(path: Path) -> Iterator[Numbered]:
    """Give the records of a .json (one, or a list), .jsonl or .csv file, numbered from 1; raises `SampleError`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SampleError(f"{path}: cannot be read: {error.strerror}") from None
    match path.suffix.lower():
        case ".csv":
            yield from enumerate(_rows(path, raw), start=1)
        case ".jsonl" | ".ndjson":
            yield from enumerate((_record(line) for line in raw.splitlines() if line.strip()), start=1)
        case ".json":
            whole = _record(raw, limits.MAX_BATCH_BODY)
            yield from enumerate(whole if isinstance(whole, list) else [whole], start=1)
        case _:
            raise SampleError(f"{path}: must end in .json, .jsonl or .csv")


def _record(raw: bytes, most: int = limits.MAX_BODY) -> Any:
    if len(raw) > most:
        return Fault("/", "too-large", f"at most {most} bytes are taken")
    try:
        return limits.parse(raw)
    except ProblemError as error:
        return Fault("/", error.problem.code, error.problem.detail)


def _rows(path: Path, raw: bytes) -> Iterator[Any]:
    try:
        lines = csv.reader(raw.decode("utf-8-sig").splitlines(), strict=True)
        header = next(lines, None)
        if not header:
            raise SampleError(f"{path}: the file is empty")
        for cells in lines:
            if len(cells) == len(header):
                yield dict(zip(header, cells, strict=True))
            elif cells:
                yield Fault("/", "not-a-row", f"has not the {len(header)} cells of the header")
    except UnicodeDecodeError:
        raise SampleError(f"{path}: is not UTF-8") from None
    except csv.Error as error:
        raise SampleError(f"{path}: is not CSV: {error}") from None

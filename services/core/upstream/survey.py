"""What a sample shows of a mapping: which fields it fills, what nobody reads, what the door would say. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.core.upstream.mapping import UpstreamMapping
from services.core.upstream.paths import ABSENT, EVERY, Steps, find, leaves, pointer, steps
from services.core.upstream.translation import Fault, Native, NativeError, translate

Numbered = tuple[int, Any]
"""A record with its number in the sample, from 1; or the `Fault` because of which it is none."""


@dataclass
class Seen:
    """A path at which the mapping looks: for which field of ours, and in how many records it is filled."""

    ours: str
    path: str
    filled: int = 0


@dataclass
class Survey:
    """The findings, in order of appearance; numbers of records, never what they hold."""

    records: int = 0
    accepted: list[tuple[int, Native]] = field(default_factory=list)
    mapped: list[Seen] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    refused: dict[Fault, list[int]] = field(default_factory=dict)
    refused_records: set[int] = field(default_factory=set)

    def refuse(self, number: int, *faults: Fault) -> None:
        """Note that record `number` would not be taken."""
        self.refused_records.add(number)
        for fault in faults:
            self.refused.setdefault(fault, []).append(number)


def survey(mapping: UpstreamMapping, platform: str, records: Iterable[Numbered], now: datetime) -> Survey:
    """Read every record as the door would."""
    found = Survey(
        mapped=[Seen(ours, path) for ours, paths in mapping.rules.items() for path in paths],
        fixed=[ours for ours, paths in mapping.rules.items() if not paths],
    )
    read = [steps(seen.path) for seen in found.mapped] + [steps(path) for path in mapping.ignored]
    for number, record in records:
        found.records += 1
        if isinstance(record, Fault):
            found.refuse(number, record)
            continue
        for seen in found.mapped:
            value = find(record, seen.path)
            seen.filled += value is not ABSENT and value is not None and str(value).strip() not in mapping.empty
        found.unknown.update({pointer(way) for way in set(leaves(record)) if way and not _known(way, read)})
        try:
            found.accepted.append((number, translate(mapping, platform, record, now)))
        except NativeError as error:
            found.refuse(number, *error.faults)
    return found


def _known(way: Steps, read: list[Steps]) -> bool:
    return any(
        len(known) <= len(way) and all(a == b or (b == EVERY and a.isdigit()) for a, b in zip(known, way, strict=False))
        for known in read
    )

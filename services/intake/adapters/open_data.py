"""Open data as an upstream: a CSV file of city requests becomes the messages of a platform.

A pure function of (rows, mapping, seed): every choice hangs on a hash of the seed and the request's own number, so
that a sample, another order or another machine gives the same message for the same request. It makes up what the table
lacks; a platform's own records are translated, nothing invented, by `services.core.upstream`.
"""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from schemas.upstream import Reporter, UpstreamTicketSubmitted, UpstreamTicketUrged
from schemas.vocabulary import AcceptedBy, Channel, Kind
from schemas.wire import Headers, describe
from services.intake.adapters.open_data_mapping import MappingError, Matter, SourceMapping, load_mapping

__all__ = [
    "BadLine", "FeedFileError", "MappingError", "SourceMapping", "SourceRequest", "follow_ups", "load_mapping",
    "planted_bad_messages", "read", "read_lines",
]  # fmt: skip
T = TypeVar("T")
DUPLICATE_SHARE: Final = 0.03
URGED_SHARE: Final = 0.01
OFFICE_CLOSES: Final = timedelta(hours=18)
"""What a promise without a time of day means, from midnight."""


class FeedFileError(OSError):
    """The file cannot be read as a whole: missing, cut off, or without the columns that the mapping names."""


@dataclass(frozen=True)
class SourceRequest:
    """One request: the message of the platform, and how the source says it ended.

    `closes_at` is None for a request that was never closed. `cancelled`: the citizen withdrew it at `closes_at`.
    `line` counts from 1, the header being line 1; 0 for what no file said.
    """

    submitted: UpstreamTicketSubmitted
    closes_at: datetime | None
    line: int
    cancelled: bool = False


@dataclass(frozen=True)
class BadLine:
    """A line that is no request: its number (the header is 1), why, and its bytes as they stood in the file."""

    line: int
    reason: str
    raw: bytes


class _Chooser:
    """Chooses by a hash of the seed and the request's number: never by the order of requests."""

    def __init__(self, seed: int, number: str) -> None:
        self._key = f"{seed}|{number}"

    def fraction(self, what: str) -> float:
        """Give a number from 0 to below 1."""
        digest = hashlib.sha256(f"{self._key}|{what}".encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48

    def one_of(self, what: str, options: Sequence[T], weights: Sequence[int] | None = None) -> T:
        """Give one of `options`, in proportion to `weights`."""
        weights = weights or [1] * len(options)
        mark = self.fraction(what) * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            mark -= weight
            if mark < 0:
                return option
        return options[-1]

    def number(self, what: str, low: int, high: int) -> int:
        """Give a whole number from `low` to `high`, both included."""
        return low + int(self.fraction(what) * (high - low + 1))


def read(path: Path, mapping: SourceMapping, seed: int) -> Iterator[SourceRequest | BadLine]:
    """Read a CSV or CSV.gz file, one request a line; a bad line is given as such and the next one follows.

    Raises `FeedFileError` (an OSError) if the file is missing, cut off, or lacks a column that the mapping names.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from read_lines(file, mapping, seed, str(path))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FeedFileError(f"{path}: the gzip file is damaged or cut off: {error}") from None
    except FeedFileError:
        raise
    except OSError as error:
        raise FeedFileError(f"{path}: cannot be read: {error.strerror or error}") from None


def read_lines(
    lines: Iterable[bytes], mapping: SourceMapping, seed: int, name: str = "input"
) -> Iterator[SourceRequest | BadLine]:
    """Read the lines of a file, the header first; pure. Raises `FeedFileError` for a header without a column."""
    header: list[str] | None = None
    for number, raw in enumerate(lines, start=1):
        if header is None:
            header = _header(raw, mapping, name)
        elif raw.strip():
            try:
                yield _request(_row(raw, header), mapping, seed, number)
            except ValidationError as error:
                yield BadLine(number, describe(error), raw)
            except (ValueError, csv.Error) as error:
                yield BadLine(number, str(error), raw)
    if header is None:
        raise FeedFileError(f"{name}: the file is empty")


def _header(raw: bytes, mapping: SourceMapping, name: str) -> list[str]:
    try:
        header = next(csv.reader([raw.decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        raise FeedFileError(f"{name}: line 1: the header is not CSV in UTF-8") from None
    missing = [column for column in mapping.columns.names() if column not in header]
    if missing:
        raise FeedFileError(f"{name}: line 1: no column {', '.join(missing)}; the mapping's `columns` names it")
    return header


def _row(raw: bytes, header: list[str]) -> dict[str, str]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ValueError("the line is not UTF-8") from None
    cells = next(csv.reader([text.rstrip("\r\n")], strict=True))
    if len(cells) != len(header):
        raise ValueError(f"{len(cells)} cells where the header has {len(header)}")
    return {name: cell.strip() for name, cell in zip(header, cells, strict=True)}


def _request(row: dict[str, str], mapping: SourceMapping, seed: int, line: int) -> SourceRequest:
    """Make the request of one row; raises ValueError, naming the column, if it cannot be one."""
    columns = mapping.columns
    number, status = row[columns.id], mapping.statuses.get(row[columns.status])
    if not number:
        raise ValueError(f"{columns.id}: empty")
    if status is None:
        raise ValueError(f"{columns.status}: not in the mapping's `statuses`")
    created = _instant(row, columns.created, mapping)
    if created is None:
        raise ValueError(f"{columns.created}: empty")
    closed = _instant(row, columns.closed, mapping)
    chooser = _Chooser(seed, number)
    matter = _matter(row, mapping, chooser)
    anonymous = row[columns.anonymous] in mapping.anonymous
    area = _area(row, mapping)
    title = _title(matter, mapping, chooser)
    reporter, content = _said(title, mapping.areas[area], mapping, chooser, anonymous=anonymous)
    secret = matter.kind is Kind.REPORT and not anonymous
    levels = list(mapping.accepted_by)
    submitted = UpstreamTicketSubmitted(
        id=f"{mapping.platform}-{number}",
        source=f"/platform/{mapping.platform}",
        time=created,
        platform=mapping.platform,
        upstream_id=number,
        kind=matter.kind,
        category=matter.category,
        area=area,
        channel=_channel(row, mapping),
        title=title,
        content=content,
        reporter=reporter,
        anonymous=anonymous,
        secrecy_requested=secret and chooser.fraction("secrecy") < mapping.shares.secrecy_of_reports,
        accepted_by=AcceptedBy(chooser.one_of("accepted-by", levels, [mapping.accepted_by[x] for x in levels])),
        upstream_due_at=_promised(row, created, mapping, chooser),
    )
    return SourceRequest(submitted, None if status == "open" else closed, line, status == "cancelled")


def _instant(row: dict[str, str], column: str, mapping: SourceMapping) -> datetime | None:
    """Read a cell as an instant, moved by whole days; the time of day on the local clock stays."""
    if not row[column]:
        return None
    try:
        local = datetime.strptime(row[column], mapping.dates.format)  # noqa: DTZ007 - the source names no zone
    except ValueError:
        raise ValueError(f"{column}: is not of the form {mapping.dates.format}") from None
    return (local + mapping.dates.shift).replace(tzinfo=mapping.dates.tz).astimezone(UTC)


def _matter(row: dict[str, str], mapping: SourceMapping, chooser: _Chooser) -> Matter:
    mark = chooser.fraction("planted")
    for planted in mapping.planted:
        mark -= planted.share
        if mark < 0:
            return planted
    matters = mapping.matters(row[mapping.columns.type], row[mapping.columns.owner])
    if not matters:
        raise ValueError(f"{mapping.columns.type}: not in the mapping's `types`, and it has no `other_type`")
    return chooser.one_of("matter", matters, [matter.weight for matter in matters])


def _title(matter: Matter, mapping: SourceMapping, chooser: _Chooser) -> str:
    questions = mapping.knowledge.questions.get(matter.category, ())
    if matter.kind is Kind.CONSULTATION and questions and chooser.fraction("knowledge") < mapping.knowledge.share:
        return chooser.one_of("question", questions)
    return matter.title_zh


def _channel(row: dict[str, str], mapping: SourceMapping) -> Channel:
    return mapping.channels.get(row[mapping.columns.channel], mapping.other_channel)


def _area(row: dict[str, str], mapping: SourceMapping) -> str:
    """Give the township of a place: the same place always lies in the same one, whatever the seed."""
    place = next((row[column] for column in mapping.columns.places if row[column]), "")
    return _Chooser(0, place).one_of("area", list(mapping.areas))


def _said(title: str, area: str, mapping: SourceMapping, chooser: _Chooser, *, anonymous: bool) -> tuple[Reporter, str]:
    """Invent who said it and in which words; the words name the person, as citizens do."""
    words = mapping.invented
    place = f"{area}{chooser.one_of('street', words.streets)}{chooser.number('house', 1, 199)}号"
    wish = chooser.one_of("wish", words.wishes)
    if anonymous:
        return Reporter(), f"来电人反映:{title}。地点在{place}。{wish}"
    name = chooser.one_of("surname", words.surnames) + chooser.one_of("given-name", words.given_names)
    phone = f"{words.phone_prefix}{chooser.number('phone', 0, 9999):04d}"
    said = f"{name}反映:{title}。地点在{place}。{wish}联系电话{phone}。"
    return Reporter(name=name, phone=phone, address=place), said


def _promised(row: dict[str, str], created: datetime, mapping: SourceMapping, chooser: _Chooser) -> datetime | None:
    """Give the upstream's own due instant: the source's promise, for the share of requests that carry one."""
    if chooser.fraction("upstream-due") >= mapping.shares.upstream_due:
        return None
    promised = _instant(row, mapping.columns.promised, mapping)
    if promised is not None and promised.astimezone(mapping.dates.tz).time() == time():
        promised += OFFICE_CLOSES
    return promised if promised is not None and promised > created else None


def follow_ups(requests: Iterable[SourceRequest], seed: int) -> Iterator[SourceRequest | UpstreamTicketUrged]:
    """Give what platforms say besides: 3 % of the messages once more under the same id, 1 % urged (催办).

    A copy comes 2 to 60 minutes later, stamped with the time of sending; an urging 3 to 30 hours later.
    """
    for request in requests:
        said = request.submitted
        chooser = _Chooser(seed, said.upstream_id)
        if chooser.fraction("again") < DUPLICATE_SHARE:
            later = said.time + timedelta(minutes=chooser.number("again-after", 2, 60))
            yield replace(request, submitted=said.model_copy(update={"time": later}))
        if chooser.fraction("urged") < URGED_SHARE:
            yield UpstreamTicketUrged(
                id=f"{said.id}-urge-1",
                source=said.source,
                time=said.time + timedelta(minutes=chooser.number("urged-after", 180, 1800)),
                platform=said.platform,
                upstream_id=said.upstream_id,
            )


def planted_bad_messages(seed: int, count: int) -> list[tuple[bytes, Headers]]:
    """Give `count` broken records for the feed, (value, headers) each, in six ways by turns.

    Malformed JSON, not UTF-8, unknown version, missing field, unknown type, no CloudEvents headers.
    """
    good = (
        b'{"platform":"la311","upstream_id":"bad","kind":"help","category":"other","area":"533423100",'
        b'"channel":"web","title":"bad"}'
    )
    name = b"upstream.ticket.submitted.v1"
    ways: tuple[tuple[bytes, bytes | None], ...] = (
        (good[:-20], name),
        (good.replace(b'"title":"bad"', b'"title":"' + "垃圾".encode("gbk") + b'"'), name),
        (good, b"upstream.ticket.submitted.v9"),
        (good.replace(b'"kind":"help",', b""), name),
        (good, b"parcel.delivered.v1"),
        (good, None),
    )
    found: list[tuple[bytes, Headers]] = []
    for index in range(count):
        value, type_name = ways[index % len(ways)]
        headers: Headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", f"planted-bad-{seed}-{index}".encode()),
            ("ce_source", b"/platform/la311"),
            ("ce_time", b"2026-09-23T05:36:00Z"),
        ]
        found.append((value, [*headers, ("ce_type", type_name)] if type_name else []))
    return found

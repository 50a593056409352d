"""Reading dead letters, and sending them again: what lies where, why, since when, and what was done about it.

A letter is named by where its original stood, so that the copies which a crash leaves are one letter. That it was sent
again stands in the dead-letter topic itself: a mark without a value behind the letter, kept as long as the letter.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import KafkaException

from schemas.topics import SERVICES, Topic
from services.runtime import wall
from services.runtime.engine import Record
from services.runtime.publisher import Publisher
from services.runtime.redaction import redacted_headers, redacted_value
from services.runtime.sealing import SealError
from services.runtime.settings import Settings
from services.runtime.tail import Tail

REPLAYED: Final = "dlq.replay.letter"
"""Header of a record that was sent again, and of the mark that says so: the letter's id."""
ID: Final = re.compile(r"^L-[a-z2-7]{12}$")
_TOKEN: Final = re.compile(r"^T-[a-z2-7]{24}$")


class LettersError(RuntimeError):
    """The dead letters cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Letter:
    """One dead letter: `code` is the class of the error, `reason` says it in words, `at` is when it was set aside."""

    id: str
    at: datetime
    service: str
    topic: str
    partition: int
    offset: int
    code: str
    reason: str
    headers: Mapping[str, bytes] = field(repr=False)
    sealed: bytes = field(repr=False)
    copies: int = 1
    replayed_at: datetime | None = None


@dataclass(frozen=True)
class Original:
    """The record that a letter holds."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def type(self) -> str | None:
        """Give its `ce_type`, if it is readable."""
        raw = dict(self.headers).get("ce_type")
        return raw.decode("utf-8", "replace") if raw is not None else None

    def shown_key(self) -> str:
        """Give the key if it is a ticket token, which says nothing of anybody; else how long it is."""
        if self.key is None:
            return "-"
        text = self.key.decode("utf-8", "replace")
        return text if _TOKEN.fullmatch(text) else f"‹{len(self.key)} bytes›"

    def shown(self) -> dict[str, Any]:
        """Give what may be seen of it: declared fields free of persons; the rest as kind and length."""
        value = redacted_value(self.type, self.value)
        return {"key": self.shown_key(), "headers": redacted_headers(self.headers), "value": value}


Opener = Callable[[Letter], Original]
"""Opens a letter; raises `SealError` if its key was erased or is another."""


def letter_id(service: str, topic: str, partition: int, offset: int) -> str:
    """Give the id of the letter of the record that stood there."""
    digest = hashlib.sha256(f"{service}|{topic}|{partition}|{offset}".encode()).digest()
    return "L-" + base64.b32encode(digest).decode()[:12].lower()


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def letters_of(records: Iterable[Record]) -> list[Letter]:
    """Sort the records of dead-letter topics into letters, oldest first."""
    found: dict[str, Letter] = {}
    replayed: dict[str, datetime] = {}
    for record in records:
        headers = {name: value for name, value in record.headers if value is not None}
        if REPLAYED in headers:
            replayed[headers[REPLAYED].decode()] = _instant(record.appended_at)
            continue

        def said(name: str, headers: Mapping[str, bytes] = headers) -> str:
            return headers[f"dlq.errors.{name}"].decode("utf-8", "replace")

        try:
            at = said("topic"), int(said("partition")), int(said("offset"))
            name = letter_id(said("service"), *at)
            letter = Letter(
                name, _instant(record.appended_at), said("service"), *at, said("class"), said("message"),
                headers, record.value or b"",
            )  # fmt: skip
        except (KeyError, ValueError):
            continue  # no dead letter of ours: whoever wrote it has no contract with us
        known = found.get(name)
        found[name] = letter if known is None else replace(letter, at=known.at, copies=known.copies + 1)
    return sorted(
        (replace(letter, replayed_at=replayed.get(name)) for name, letter in found.items()),
        key=lambda letter: (letter.at, letter.service, letter.topic, letter.partition, letter.offset),
    )


def read_letters(settings: Settings, topics: Mapping[str, Topic], services: Sequence[str] = SERVICES) -> list[Letter]:
    """Read the dead letters of services up to now; raises `LettersError`."""
    tail = Tail(settings, topics, [f"{service}-dead-letters" for service in services])
    try:
        return letters_of(tail.catch_up())
    except (KafkaException, TimeoutError) as error:
        why = error.args[0].name() if isinstance(error, KafkaException) else str(error)
        raise LettersError(
            f"the dead letters cannot be read at {settings.bootstrap_servers} ({why}): is the broker up, and did "
            "`hotline topics apply` run?"
        ) from None
    finally:
        tail.close()


def original_of(opened: Mapping[str, Any]) -> Original:
    """Give the record that `exhume` opened."""

    def raw(text: str | None) -> bytes | None:
        return None if text is None else base64.b64decode(text)

    headers = tuple((name, raw(value)) for name, value in opened["headers"])
    return Original(raw(opened["key"]), raw(opened["value"]), headers)


@dataclass(frozen=True)
class Sent:
    """What became of a letter in a replay: `sent`, `erased` (nobody can open it any more)."""

    letter: Letter
    outcome: str


def replay(
    letters: Iterable[Letter], opened: Opener, publisher: Publisher, rate: float | None = None
) -> Iterator[Sent]:
    """Send letters again, in the order given, each to the partition it stood in; at most `rate` a second.

    The copy carries `dlq.replay.letter`. The mark follows when the broker has the copy: killed in between, the next
    replay sends it once more under the same ids, and whoever applied the first copy drops the second.
    """
    began = wall.unix()
    for number, letter in enumerate(letters):
        if rate is not None:
            time.sleep(max(0.0, began + number / rate - wall.unix()))
        try:
            original = opened(letter)
        except SealError:
            yield Sent(letter, "erased")
            continue
        mark = (REPLAYED, letter.id.encode())
        kept: list[Any] = [(name, value) for name, value in original.headers if name != REPLAYED]
        publisher.send(letter.topic, original.value, original.key, [*kept, mark], letter.partition).result()
        publisher.send(f"{letter.service}-dead-letters", None, None, [mark]).result()
        yield Sent(letter, "sent")

"""What a service is: a value. What it folds, what it answers; one runtime does all I/O (DESIGN principle 1)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from schemas.envelope import Event

S = TypeVar("S")


class Rejected(Exception):
    """An input that cannot be folded: it goes to the dead letters with this stable `code` and reason."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class Output:
    """An event to publish; the key is the event's subject unless given, `partition` only for pulses."""

    topic: str
    event: Event
    key: str | None = None
    partition: int | None = None


@dataclass(frozen=True)
class Position:
    """Where an input record stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Step(Generic[S]):
    """What a handler decides: the new state (None deletes the key) and what to say. `duplicate` changed nothing."""

    state: S | None
    outputs: tuple[Output, ...] = ()
    duplicate: bool = False


class QueueEntry(NamedTuple):
    """Where an open ticket waits, and since when: the source of the queue-age metrics."""

    stage: str
    kind: str
    unit_group: str
    since: datetime


class OpenClock(NamedTuple):
    """A clock that runs on a ticket."""

    kind: str
    due_at: datetime


Label = tuple[str, str, str]
"""Where an open ticket waits: stage, kind, unit group."""


class Survey(NamedTuple):
    """What indexes need of many values, in columns; instants are whole microseconds since 1970.

    When which key wants to be woken; per label since when tickets wait; per kind of clock when those that run are due;
    and what has to be loaded to be known.
    """

    wakes: list[Iterable[tuple[int, bytes]]]
    waiting: list[tuple[Label, Iterable[int]]]
    running: list[tuple[str, Iterable[int]]]
    unread: list[tuple[bytes, bytes]]


def unread(items: Sequence[tuple[bytes, bytes]]) -> Survey:
    """Know nothing without loading the values."""
    return Survey([], [], [], list(items))


def dump_json(state: Any) -> bytes:
    """Give a state (a pydantic model) as a table value: JSON, behind the byte that names this format.

    What is as it is by default is left out, a third of a ticket: so a default of a state may never change.
    """
    text: str = state.model_dump_json(exclude_defaults=True)
    return b"1" + text.encode()


def load_json(cls: Any, value: bytes) -> Any:
    """Give the state of a table value that `dump_json` made; raises ValueError for another format."""
    if value[:1] != b"1":
        raise ValueError(f"table format {value[:1]!r} of {cls.__name__} is not known")
    return cls.model_validate_json(value[1:])


def _load_json_of_its_state(_value: bytes) -> Any:
    raise NotImplementedError


def _no_pulse(event: Event, partition: int, before: datetime | None) -> tuple[Output, ...]:  # noqa: ARG001 - the contract
    return ()


@dataclass(frozen=True)
class Fold(Generic[S]):
    """One table, folded from one ordered input topic.

    `handle` takes the state of the event's key and the event. `wake_at` says when a key wants to be woken; on a
    pulse at or after that instant `wake` is called for it; `trailing`: on the pulse after that one, so that what other
    partitions sent here by then has come; `answered`: records of the same key follow from what `wake` says, so that the
    runtime need not run ahead of whoever makes them. `queue` and `clocks` feed the metrics. `dump` and `load`
    turn a state into a table value and back; the first byte of a value names its format. `survey` says of many values
    what `wake_at`, `queue` and `clocks` say of their states, so that a million of them are indexed in seconds.
    All are pure.
    """

    table: str
    reads: str
    state: type[S]
    handle: Callable[[S | None, Event, Position], Step[S]]
    key: Callable[[Event], str] = field(default=lambda event: event.subject)
    wake_at: Callable[[S], datetime | None] = field(default=lambda _state: None)
    wake: Callable[[str, S, datetime], Step[S]] | None = None
    trailing: bool = False
    answered: bool = False
    on_pulse: Callable[[Event, int, datetime | None], tuple[Output, ...]] = _no_pulse
    queue: Callable[[S], QueueEntry | None] = field(default=lambda _state: None)
    clocks: Callable[[S], tuple[OpenClock, ...]] = field(default=lambda _state: ())
    dump: Callable[[S], bytes] = dump_json
    load: Callable[[bytes], S] = _load_json_of_its_state
    survey: Callable[[Sequence[tuple[bytes, bytes]]], Survey] = unread

    def __post_init__(self) -> None:
        if self.load is _load_json_of_its_state:
            object.__setattr__(self, "load", partial(load_json, self.state))


@dataclass(frozen=True)
class Service:
    """A service: its name (also consumer group and process) and its folds."""

    name: str
    folds: tuple[Fold[Any], ...]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sealable:
    """Free text or personal data that goes into the vault under `ref`, and nowhere else (Art. 13)."""

    ref: str
    ticket: str
    plain: bytes
    kind: Literal["submission", "text"] = "text"
    """A submission is JSON of the reporter and the matter; all else is words."""


def in_sequence(last: int, sequence: int | None) -> bool:
    """Say whether a fact is the next of its ticket; False for one already applied.

    Raises `Rejected` with code `sequence-gap` when facts before it are missing.
    """
    if sequence is None:
        raise Rejected("missing-sequence", "a fact without ce_sequence cannot be ordered")
    if sequence <= last:
        return False
    if sequence != last + 1:
        raise Rejected("sequence-gap", f"expected sequence {last + 1}, got {sequence}")
    return True

"""Makes assessments anew from the facts of a log: measures, scores, and where the published scores say otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from schemas.envelope import Event
from schemas.supervision import AccountabilityFlagged, ScorePublished, UnitMeasured
from schemas.wire import WireError, decode, encode
from services.core.policy import Policies
from services.core.service import Position, Rejected
from services.runtime.engine import Engine, Record
from services.scoring.service import service

TOPICS = ("ticket-events", "unit-scores")
"""What is read: the facts, and what scoring published."""
_OF_THE_RECORD = {"id", "source", "time", "causation", "change"}
"""What depends on which of two partitions was read first, not on what counted."""


@dataclass
class Assessed:
    """What the facts of a log count as: `scores` by all of them, `due` by those before the last pulse.

    `recorded` is what was published, which should be `due`: what counted since then waits for the next pulse.
    """

    measures: list[UnitMeasured] = field(default_factory=list)
    scores: dict[tuple[str, str], ScorePublished] = field(default_factory=dict)
    due: dict[tuple[str, str], ScorePublished] = field(default_factory=dict)
    recorded: dict[tuple[str, str], ScorePublished] = field(default_factory=dict)
    flags: list[AccountabilityFlagged] = field(default_factory=list)

    def disagreements(self) -> list[tuple[str, str]]:
        """Give (unit, period) whose published numbers are not those that the facts make."""
        return [
            key
            for key, said in sorted(self.recorded.items())
            if key not in self.due
            or said.model_dump(exclude=_OF_THE_RECORD) != self.due[key].model_dump(exclude=_OF_THE_RECORD)
        ]


def assessed(log: Iterable[Record], policies: Policies) -> Assessed:
    """Fold the facts of a log through the real scoring service; records that nobody can read are left out."""
    found = Assessed()
    tables: list[dict[bytes, bytes]] = [{}, {}]
    by_ticket, by_unit = (Engine(fold, table) for fold, table in zip(service(policies).folds, tables, strict=True))
    sent = 0
    for record in log:
        if record.position.topic == "unit-scores":
            _note(found, record)
            continue
        if record.position.topic != "ticket-events":
            continue
        for said in _folded(by_ticket, tables[0], record):
            if isinstance(said, UnitMeasured):
                found.measures.append(said)
            headers, value = encode(said)
            at = Position("unit-measures", 0, sent)
            sent += 1
            again = Record(at, said.subject.encode(), value, tuple(headers), record.appended_at)
            for event in _folded(by_unit, tables[1], again):
                if isinstance(event, ScorePublished):
                    found.due[event.unit, event.period] = event
                elif isinstance(event, AccountabilityFlagged):
                    found.flags.append(event)
    found.scores = found.due | _with_what_waits(by_unit, tables[1])
    return found


def _with_what_waits(by_unit: Engine, table: dict[bytes, bytes]) -> dict[tuple[str, str], ScorePublished]:
    fold, end = by_unit.fold, datetime.max.replace(tzinfo=UTC)
    assert fold.wake is not None  # noqa: S101 - scoring's second fold has one
    steps = [fold.wake(unit.decode(), fold.load(state), end) for unit, state in table.items()]
    said = [output.event for step in steps for output in step.outputs]
    return {(event.unit, event.period): event for event in said if isinstance(event, ScorePublished)}


def _note(found: Assessed, record: Record) -> None:
    try:
        event = decode(record.headers, record.value)
    except WireError:
        return
    if isinstance(event, ScorePublished):
        found.recorded[event.unit, event.period] = event


def _folded(engine: Engine, table: dict[bytes, bytes], record: Record) -> list[Event]:
    try:
        result = engine.handle(record)
    except (WireError, Rejected):
        return []  # it is in the dead letters, with its reason
    for key, value in result.writes:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    return [output.event for output in result.outputs]

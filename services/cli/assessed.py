"""Makes assessments anew from the facts of a log: measures, scores, and where the published scores say otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass, field

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
    """What the facts of a log count as; `recorded` is what was published, `scores` what should have been."""

    measures: list[UnitMeasured] = field(default_factory=list)
    scores: dict[tuple[str, str], ScorePublished] = field(default_factory=dict)
    recorded: dict[tuple[str, str], ScorePublished] = field(default_factory=dict)
    flags: list[AccountabilityFlagged] = field(default_factory=list)

    def disagreements(self) -> list[tuple[str, str]]:
        """Give (unit, period) whose published numbers are not those that the facts make."""
        return [
            key
            for key, said in sorted(self.recorded.items())
            if key not in self.scores
            or said.model_dump(exclude=_OF_THE_RECORD) != self.scores[key].model_dump(exclude=_OF_THE_RECORD)
        ]


def assessed(log: Iterable[Record], policies: Policies) -> Assessed:
    """Fold the facts of a log through the real scoring service; records that nobody can read are left out."""
    found = Assessed()
    tables: list[dict[bytes, bytes]] = [{}, {}]
    by_ticket, by_unit = (Engine(fold, table) for fold, table in zip(service(policies).folds, tables, strict=False))
    sent = 0
    for record in log:
        if record.position.topic == "unit-scores":
            _note(found, record)
            continue
        if record.position.topic != "ticket-events":
            continue
        for said in _folded(by_ticket, tables[0], record):
            if not isinstance(said, UnitMeasured):
                continue
            found.measures.append(said)
            headers, value = encode(said)
            at = Position("unit-measures", 0, sent)
            sent += 1
            again = Record(at, said.subject.encode(), value, tuple(headers), record.appended_at)
            for event in _folded(by_unit, tables[1], again):
                if isinstance(event, ScorePublished):
                    found.scores[event.unit, event.period] = event
                elif isinstance(event, AccountabilityFlagged):
                    found.flags.append(event)
    return found


def _note(found: Assessed, record: Record) -> None:
    try:
        event = decode(record.headers, record.value)
    except WireError:
        return
    if isinstance(event, ScorePublished):
        found.recorded[event.unit, event.period] = event


def _folded(engine: Engine, table: dict[bytes, bytes], record: Record) -> list[object]:
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

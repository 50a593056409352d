"""Who read whom more than work needs: a refusal, or too many persons in a local day."""

from typing import Any

from schemas.audit import Audited, PiiRefused, PiiRevealed
from services.core.leaks import suspicions
from tests.builders import SHANGHAI, at


def revealed(number: int, when: str = "Mon 2026-11-02 09:00", by: str = "officer-1") -> PiiRevealed:
    data: dict[str, Any] = {"by": by, "role": "office", "reason": "handling", "fields": ("phone",)}
    about = {"id": f"r-{by}-{number}-{at(when):%d%H%M}", "source": "/test", "subject": f"T-{number}", "time": at(when)}
    return PiiRevealed.model_validate(about | data)


def test_an_account_that_reads_many_persons_in_a_day_is_shown_with_its_records() -> None:
    trail: list[Audited] = [revealed(n) for n in range(3)]
    assert [] == suspicions(trail, 4, SHANGHAI)
    [one] = suspicions([*trail, *trail], 3, SHANGHAI)
    assert ("officer-1", "2026-11-02", 3, 0) == (one.by, one.day, one.tickets, one.refused)
    assert tuple(said.id for said in trail) == one.evidence


def test_the_same_person_read_twice_is_one_and_a_day_ends_at_local_midnight() -> None:
    assert [] == suspicions([revealed(1), revealed(1, "Mon 2026-11-02 10:00")], 2, SHANGHAI)
    night: list[Audited] = [revealed(1, "Mon 2026-11-02 23:59:59"), revealed(2, "Tue 2026-11-03 00:00")]
    assert [] == suspicions(night, 2, SHANGHAI)


def test_a_refusal_is_always_shown() -> None:
    refused = PiiRefused.model_validate(
        revealed(1).model_dump(exclude={"type"}) | {"id": "x", "code": "reported-unit", "role": "unit", "by": "U-URBAN"}
    )
    [one] = suspicions([refused], 99, SHANGHAI)
    assert ("U-URBAN", "unit", 0, 1, ("x",)) == (one.by, one.role, one.tickets, one.refused, one.evidence)

"""Who may read what: the office all, a unit what handling needs, and never who reported it."""

from typing import Any

import pytest

from schemas.commands import AssignCoHandlers
from schemas.facts import Fact
from schemas.privacy import DataClass, field_classes
from schemas.upstream import Reporter, UpstreamTicketSubmitted
from services.core.disclosure import EVERYTHING, MATTER, disclosure, struck_out
from services.core.policy import Policy
from tests.builders import URBAN, opens, said, signs, told
from tests.explained import life


@pytest.fixture(scope="module")
def facts(policy: Policy) -> list[Fact]:
    _, found, _ = life(policy)
    return list(found)


def with_opening(facts: list[Fact], **changes: Any) -> list[Fact]:
    return [facts[0].model_copy(update=changes), *facts[1:]]


def unit_of(facts: list[Fact]) -> str:
    return next(fact.unit for fact in facts if getattr(fact, "unit", None))  # type: ignore[attr-defined]


def test_the_office_reads_everything_and_what_it_asks_for_only(facts: list[Fact]) -> None:
    assert EVERYTHING == disclosure("office", "officer-7", (), facts).fields
    assert ("title",) == disclosure("office", "officer-7", ("title",), facts).fields


def test_every_sealed_field_can_be_asked_for() -> None:
    sealed = {name for name, found in field_classes(UpstreamTicketSubmitted).items() if found - {DataClass.NONE}}
    names = {f"reporter.{name}" for name in Reporter.model_fields} | (sealed - {"reporter"})
    assert names | {"texts"} == set(EVERYTHING)


@pytest.mark.parametrize("role", ["auditor", "operator", "citizen", ""])
def test_nobody_else_reads_anything(role: str, facts: list[Fact]) -> None:
    refused = disclosure(role, "x", ("title",), facts)
    assert ("role-reads-no-person", ("title",)) == (refused.code, refused.fields), "what was asked, for the trail"


def test_a_unit_reads_of_tickets_it_had_what_handling_needs(facts: list[Fact]) -> None:
    open_matter = with_opening(facts, kind="help", anonymous=False, secrecy_requested=False)
    allowed = disclosure("unit", unit_of(facts), (), open_matter)
    assert (None, False) == (allowed.code, allowed.masked)
    assert "reporter.phone" in allowed.fields
    assert "reporter.id_number" not in allowed.fields
    assert "not-needed-by-units" == disclosure("unit", unit_of(facts), ("reporter.id_number",), open_matter).code
    assert "not-your-ticket" == disclosure("unit", "U-STRANGER", ("title",), open_matter).code
    assert "not-your-ticket" == disclosure("unit", unit_of(facts), ("title",), []).code
    assert ("title",) == disclosure("unit", "U-STRANGER", ("title",), open_matter).fields, (
        "what was asked, for the trail"
    )


def test_a_unit_that_is_to_handle_it_beside_another_reads_it_before_it_speaks(policy: Policy) -> None:
    joined = said(AssignCoHandlers, "office", "Wed 2026-09-23 10:00", units=(URBAN,))
    facts = told(policy, opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"), joined)
    assert "not-your-ticket" == disclosure("unit", URBAN, ("title",), facts[:-1]).code
    assert disclosure("unit", URBAN, ("title",), facts).code is None


@pytest.mark.parametrize(
    "changes",
    [{"kind": "complaint"}, {"kind": "report"}, {"kind": "help", "secrecy_requested": True},
     {"kind": "help", "anonymous": True}],
)  # fmt: skip
@pytest.mark.parametrize("field", ["reporter.name", "reporter.phone", "reporter.address", "reporter.id_number"])
def test_a_unit_that_may_be_the_reported_one_never_reads_who_reported(
    changes: dict[str, Any], field: str, facts: list[Fact]
) -> None:
    opening = with_opening(facts, **({"anonymous": False, "secrecy_requested": False} | changes))
    refused = disclosure("unit", unit_of(facts), ("title", field), opening)
    assert ("reporter-kept-from-unit", ("title", field)) == (refused.code, refused.fields)
    allowed = disclosure("unit", unit_of(facts), (), opening)
    assert (MATTER, True) == (allowed.fields, allowed.masked)


def test_what_identifies_the_reporter_is_struck_out_of_the_words() -> None:
    words = "我是王五,住王五巷七号,电话13812340987"
    assert "我是‹withheld›,住‹withheld›,电话‹withheld›" == struck_out(words, ["王五", "王五巷七号", "13812340987", ""])
    longer_first = struck_out("小张三家的狗", ["张三", "小张三家"])
    assert "‹withheld›的狗" == longer_first, "what is left of the longer one would tell who it is"

"""A city of another kind under the same code: day and night, hours instead of days, urgency tiers, its own articles."""

import re
from pathlib import Path
from typing import Any

import pytest

from schemas.commands import (
    Command,
    DecideRefusalReview,
    DecideSuspension,
    RequestRefusalReview,
    RequestSuspension,
    SupplementTicket,
)
from schemas.facts import Fact, TicketResumed
from services.core.explain.story import explain
from services.core.policy import Policies
from services.core.rulebook import Rulebook
from services.runtime.policy_files import load_policies
from tests.builders import asks_for_time, at, grants, local, opens, rates, replies, returns, said, signs, upholds
from tests.rules.mesh import Mesh

ROOT = Path(__file__).parents[2]
END = at("Sun 2026-10-25 09:00")


@pytest.fixture(scope="module")
def city() -> Policies:
    return load_policies(ROOT / "ops", "mingzhou")


def lives(city: Policies, *said: Command) -> tuple[list[Fact], dict[str, Command]]:
    mesh = Mesh(city)
    for command in said:
        mesh.pulse_until(command.time, inclusive=False)
        mesh.say(command)
    mesh.pulse_until(END, inclusive=True)
    facts = [event for event in mesh.log if isinstance(event, Fact)]
    return facts, {event.id: event for event in mesh.log if isinstance(event, Command)}


def dues(facts: list[Fact]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fact in facts:
        for clock in fact.started:
            found.setdefault(clock.kind.value, []).append(local(clock.due_at))
    return found


ROWS: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    (
        "a burst main on a holiday night: signed within 1 hour, done within 2", "Thu 2026-10-01 03:00",
        {"category": "burst-main"},
        {"sign": "Thu 2026-10-01 04:00", "handle": "Thu 2026-10-01 05:00", "case": "Thu 2026-10-01 05:00"},
    ),
    (
        "no water: 24 hours", "Sat 2026-09-26 23:30", {"category": "no-water"},
        {"sign": "Sun 2026-09-27 03:30", "handle": "Sun 2026-09-27 23:30"},
    ),
    (
        "a street light: 72 hours, over the weekend", "Fri 2026-09-18 20:00", {"category": "street-light"},
        {"sign": "Sat 2026-09-19 00:00", "handle": "Mon 2026-09-21 20:00"},
    ),
    (
        "a complaint about noise: 48 hours, which an ordinance sets", "Fri 2026-09-18 20:00",
        {"category": "noise", "kind": "complaint"}, {"handle": "Sun 2026-09-20 20:00"},
    ),
    (
        "a complaint: 168 hours", "Fri 2026-09-18 20:00", {"category": "prices", "kind": "complaint"},
        {"handle": "Fri 2026-09-25 20:00"},
    ),
    (
        "nobody's in particular: the desk has 1 hour, at night as well", "Sat 2026-09-19 02:00",
        {"category": "anything-else"}, {"dispatch": "Sat 2026-09-19 03:00"},
    ),
    (
        "the superior platform wants it earlier: 4 hours by the clock before", "Fri 2026-09-18 20:00",
        {"category": "street-light", "upstream_due_at": "2026-09-20T20:00:00+08:00"},
        {"handle": "Sun 2026-09-20 16:00"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "when", "data", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_limits_run_by_the_clock_on_the_wall(
    city: Policies, name: str, when: str, data: dict[str, Any], expected: dict[str, str]
) -> None:
    facts, commands = lives(city, opens(when, **{"area": "990101"} | data))
    found = dues(facts)
    assert expected == {kind: found[kind][0] for kind in expected}, name
    assert () == explain("T-1", facts, commands, city, END).problems


def test_a_whole_life_cites_the_citys_own_articles(city: Policies) -> None:
    facts, commands = lives(
        city,
        opens("Sat 2026-09-19 22:00", category="noise", area="990102"),
        signs("Sat 2026-09-19 23:00", unit="M-WEST"),
        returns("Sun 2026-09-20 01:00", unit="M-WEST", to="M-CITY"),
        upholds("Sun 2026-09-20 02:00", to="M-CITY"),
        signs("Sun 2026-09-20 03:00", unit="M-CITY"),
        asks_for_time("Mon 2026-09-21 04:00", unit="M-CITY"),
        grants("Mon 2026-09-21 05:00"),
        replies("Wed 2026-09-23 06:00", unit="M-CITY"),
        rates("Wed 2026-09-23 07:00", "satisfied"),
    )
    assert "closed" == facts[-1].stage
    assert all(fact.article.startswith("第") for fact in facts), {fact.article for fact in facts}
    assert all(clock.article.startswith("第") for fact in facts for clock in fact.started)
    assert ["Wed 2026-09-23 02:00", "Fri 2026-09-25 02:00"] == dues(facts)["handle"][1:]
    assert () == explain("T-1", facts, commands, city, END).problems


def test_a_suspension_moves_a_limit_in_hours_by_the_clock_on_the_wall(city: Policies) -> None:
    unit = "unit:M-CITY"
    facts, commands = lives(
        city,
        opens("Fri 2026-09-18 20:00", category="street-light", area="990101"),
        signs("Fri 2026-09-18 21:00", unit="M-CITY"),
        said(RequestSuspension, unit, "Fri 2026-09-18 22:00", reason="waiting-for-citizen-material"),
        said(DecideSuspension, "office", "Sat 2026-09-19 10:00", granted=True),
        said(SupplementTicket, "citizen", "Sun 2026-09-20 09:59:59", content_ref="text-1"),
        said(RequestSuspension, unit, "Sun 2026-09-20 10:00", reason="waiting-for-citizen-material"),
        said(DecideSuspension, "office", "Sun 2026-09-20 10:00", granted=True),
    )
    assert ["Mon 2026-09-21 20:00", "Tue 2026-09-22 19:59:59", "Thu 2026-09-24 19:59:59"] == dues(facts)["handle"]
    assert ["supplemented", "elapsed"] == [fact.how for fact in facts if isinstance(fact, TicketResumed)]
    assert all(fact.article.startswith("第") for fact in facts), {fact.article for fact in facts}
    assert () == explain("T-1", facts, commands, city, END).problems


def test_a_refusal_is_contested_within_this_citys_hours(city: Policies) -> None:
    facts, commands = lives(
        city,
        opens("Sat 2026-09-19 22:00", category="litigation", area="990102", lane="lawful_channel", lane_code="court"),
        said(RequestRefusalReview, "citizen", "Tue 2026-09-29 22:00", reason="no-lawsuit"),
        said(DecideRefusalReview, "office", "Wed 2026-09-30 22:00:01", upheld=True, reason="seen"),
    )
    assert ["Wed 2026-09-30 22:00"] == dues(facts)["refusal_review"]
    assert ["ticket.declined.v1", "refusal_review.requested.v1", "clock.breached.v1", "refusal.upheld.v1"] == [
        fact.type for fact in facts[1:]
    ]
    assert all(fact.article.startswith("第") for fact in facts), {fact.article for fact in facts}
    assert () == explain("T-1", facts, commands, city, END).problems


def test_a_second_return_goes_no_further_than_this_citys_cap(city: Policies) -> None:
    facts, _ = lives(
        city,
        opens("Sat 2026-09-19 22:00", category="noise", area="990102"),
        signs("Sat 2026-09-19 23:00", unit="M-WEST"),
        returns("Sun 2026-09-20 01:00", unit="M-WEST", to="M-CITY"),
        upholds("Sun 2026-09-20 02:00", to="M-CITY"),
        signs("Sun 2026-09-20 03:00", unit="M-CITY"),
        returns("Sun 2026-09-20 04:00", unit="M-CITY", to="M-EAST"),
    )
    assert "no-further-return" in [getattr(fact, "code", None) for fact in facts]


def test_an_urgent_matter_has_no_extension(city: Policies) -> None:
    facts, _ = lives(
        city,
        opens("Thu 2026-10-01 03:00", category="gas-smell", area="990101"),
        asks_for_time("Thu 2026-10-01 03:10", unit="M-GAS"),
    )
    assert "no-further-extension" in [getattr(fact, "code", None) for fact in facts]


def test_a_tier_that_the_rulebook_lacks_is_named(city: Policies) -> None:
    book = city.newest.rulebook
    assert {"urgent", "pressing"} == set(book.tiers)
    with pytest.raises(ValueError, match="give hours or working_hours"):
        Rulebook.model_validate(
            book.model_dump(mode="json", by_alias=True)
            | {"upstream_buffer": {"amount": 1, "unit": "working_days", "article": "x"}}
        )


COUNTY = re.compile(r"weixi|维西|U-[A-Z]|\b5334\d\d|dq12345", re.IGNORECASE)


def test_the_core_names_nothing_of_the_county() -> None:
    for path in sorted((ROOT / "services" / "core").rglob("*.py")):
        code = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert COUNTY.search(code) is None, path
    assert COUNTY.search('unit = "U-SANITATION"'), "the pattern finds what it looks for"

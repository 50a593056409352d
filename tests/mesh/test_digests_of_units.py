"""Digests on a real broker: tickets of all partitions, one message per window, the reminder service killed again."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from schemas.topics import load
from services.core.policy import Policy
from services.demo.driver import Pace
from services.runtime.mesh import Mesh
from services.runtime.settings import Settings
from services.runtime.tail import Tail
from tests.mesh.stage import Stage, at

pytestmark = [pytest.mark.broker, pytest.mark.timeout(400)]
HALF_HOURLY = Pace(day=timedelta(minutes=30), night=timedelta(hours=6))
TICKETS = 40


@pytest.fixture(scope="module")
def stage(
    new_settings: Callable[[], Settings], policy: Policy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with Mesh(new_settings(), tmp_path_factory.mktemp("logs")) as mesh:
        stage = Stage(mesh, policy)
        for number in range(TICKETS):
            minute = f"{number % 20:02}"
            ticket = stage.opens(f"many-{number}", f"Wed 2026-09-23 09:{minute}")
            stage.says(ticket, f"Wed 2026-09-23 09:{30 + number % 20}", "ticket.sign.v1", "unit:U-SANITATION")
        steps = stage.driver.steps(at("Tue 2026-09-22 23:00"), at("Wed 2026-09-30 12:00"), HALF_HOURLY)
        for number, _ in enumerate(steps):
            if number % 16 == 15:
                mesh.kill_and_restart("reminder")
        yield stage
        stage.close()


def test_two_hundred_reminders_are_six_messages(stage: Stage) -> None:
    digests = stage.driver.ledger.digests
    assert [
        ("half", at("Mon 2026-09-28 09:00"), 40),
        ("four_fifths", at("Tue 2026-09-29 10:00"), 2),  # reached at 10:00:00 sharp: still of that window
        ("four_fifths", at("Tue 2026-09-29 10:30"), 38),
        ("near_due", at("Tue 2026-09-29 16:00"), 40),
        ("overdue", at("Wed 2026-09-30 08:30"), 40),  # due at 18:00: waits for the opening
        ("overdue_daily", at("Wed 2026-09-30 08:30"), 40),
    ] == [(digest.rung.value, digest.time, len(digest.items)) for digest in digests]


def test_each_reminder_is_in_exactly_one_digest(stage: Stage) -> None:
    ledger = stage.driver.ledger
    listed = Counter(item.reminder for digest in ledger.digests for item in digest.items)
    assert {reminder.id for reminder in ledger.reminders} == set(listed)
    assert {1} == set(listed.values())
    assert 5 * TICKETS == len(listed)


def test_no_digest_lies_on_the_topic_under_two_ids(stage: Stage) -> None:
    tail = Tail(stage.mesh.settings, load(), ["unit-digests"])
    records = list(tail.catch_up())
    tail.close()
    assert len({dict(record.headers)["ce_id"] for record in records}) == len(stage.driver.ledger.digests)

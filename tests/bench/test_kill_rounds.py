"""A few rounds of `make bench ARGS=kill-rounds`, and violations planted afterwards: the judge notices each."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.chaos.load import MONDAY, Load
from bench.chaos.oracle import expected, next_morning, shown
from bench.chaos.rounds import judge, strike
from bench.timer import Timer
from tests.conftest import ROOT


def record(kind: str, ticket: str = "", sequence: int = 0, time: str = "", **value: Any) -> tuple[dict[str, str], Any]:
    attributes = {"type": kind, "subject": ticket, "sequence": str(sequence), "time": time}
    return attributes, {"started": [], "stopped": [], **value}


def pulse(time: str) -> tuple[dict[str, str], Any]:
    return record("clock.pulsed.v1", time=f"2026-10-12T{time}:00Z")


def clock(kind: str, due: str, *marks: tuple[str, str]) -> dict[str, Any]:
    at = "2026-10-12T{}:00Z".format
    return {
        "kind": kind, "cycle": 1, "due_at": at(due), "marks": [{"rung": rung, "at": at(when)} for rung, when in marks]
    }  # fmt: skip


def test_the_oracle_rings_what_runs_when_a_pulse_passes_it() -> None:
    handle = clock("handle", "05:00", ("half", "03:00"))
    found = expected(
        [
            [
                record("ticket.dispatched.v1", "T-1", 1, started=[handle, clock("sign", "03:00")]),
                pulse("02:59"),
                record("ticket.signed.v1", "T-1", 2, stopped=[{"kind": "sign", "cycle": 1}]),
                pulse("03:00"),
                pulse("05:01"),
            ]
        ]
    )
    said = {(kind, at[11:16], rung) for _, kind, _, _, at, rung in found.signals}
    assert said == {("handle", "03:00", "half"), ("handle", "05:00", None)}
    assert found.last_sequence == {"T-1": 2}
    assert found.running == {"T-1": {("handle", 1, "2026-10-12T05:00:00+00:00")}}


def test_the_morning_after_a_friday_is_a_monday() -> None:
    assert shown(next_morning(MONDAY + timedelta(days=4, hours=3))) == "2026-10-19T00:30:00+00:00"


@pytest.mark.broker
def test_a_worker_killed_again_and_again_loses_and_invents_no_alarm(servers: Any, tmp_path: Path) -> None:
    timer = Timer(servers.bootstrap_servers, f"{tmp_path.name}-", tmp_path, ROOT / "ops")
    load = Load(timer, seed=5)
    found = strike(load, rounds=3, show=lambda _number: None)
    assert found["alarms"] > 500
    assert found["backlog_max"] > 100
    assert {name: count for name, count in found["violations"].items() if count} == {}

    for _ in range(150):  # fifty minutes that no worker hears of
        load.step(2)
    message = next(timer.topics.read(timer.settings.topic("ticket-commands"), 4))
    timer.producer.produce(
        message.topic(), message.value().replace(b'"cycle":1', b'"cycle":7'), message.key(), headers=message.headers()
    )
    timer.flush()
    noticed = judge(timer, Counter())["violations"]
    assert noticed["lost timer"] >= 1
    assert noticed["invented timer"] >= 1
    assert noticed["copies of one id differ"] == 1
    assert noticed["recovered state is not the fold of the facts"] >= 1

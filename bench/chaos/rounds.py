"""The killing, and what is found afterwards."""

import random
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from pydantic_core import from_json

from bench.chaos.load import Load
from bench.chaos.oracle import BUDGET, Expected, Signal, expected, instant, shown
from bench.commits import Committed
from bench.frame import Results
from bench.timer import CHANGELOG, PARTITIONS, Timer
from bench.topics import eventually
from services.sla_timer.state import instant as moment_of
from services.sla_timer.state import load as load_state

WHEN = ("while it starts or recovers", "after its first alarms, mostly before a commit", "after a commit")
"""At which moments the worker is killed, in turns."""
PATIENCE = 180


def strike(load: Load, rounds: int, show: Callable[[int], None], seed: int = 12345) -> Results:
    """Kill -9 the worker `rounds` times under load, let it finish, and give what happened and what is wrong."""
    began, chance = time.monotonic(), random.Random(seed)  # noqa: S311 - a seeded schedule, not a secret
    timer = load.timer
    events, group = timer.settings.topic("ticket-events"), timer.settings.group("sla-timer")
    committed = Committed(timer.topics.bootstrap, group, events, PARTITIONS)
    violations, killed = Counter[str](), Counter[str]()
    backlogs, reached, start_seconds = [], 0, 2.0
    for _ in range(400):  # a standing stock, for recovery to have something to do
        load.step(2)
    load.start()
    timer.worker.start()
    for number in range(1, rounds + 1):
        moment, started, said = number % len(WHEN), time.monotonic(), timer.commands()
        if moment == 0:
            time.sleep(chance.uniform(0.1, 1.1) * start_seconds)
        elif moment == 1:
            eventually(lambda said=said: timer.commands() > said, "an alarm", timer.worker, PATIENCE)
            start_seconds = time.monotonic() - started
            time.sleep(chance.uniform(0, 0.4))
        else:
            eventually(lambda done=reached: committed.records() > done, "a commit", timer.worker, PATIENCE)
            time.sleep(chance.uniform(0, 0.8))
        killed[WHEN[moment]] += 1
        violations["worker ended by itself"] += not timer.worker.alive
        timer.worker.kill()
        done = committed.records()
        violations["committed offset went back"] += done < reached
        reached = done
        backlogs.append(sum(timer.topics.ends(events, PARTITIONS)) - done)
        timer.worker.start()
        show(number)
    load.end()
    whole = sum(timer.topics.ends(events, PARTITIONS))
    eventually(lambda: committed.records() == whole, "everything to be committed", timer.worker, PATIENCE)
    violations["offset not committed"] = whole - committed.records()
    timer.worker.stop()
    committed.close()
    found = judge(timer, violations)
    return {
        "rounds": rounds, "killed": dict(killed),
        "backlog_median": round(statistics.median(backlogs)), "backlog_max": max(backlogs),
        "tickets": load.tickets, "records": whole, **found, "seconds": round(time.monotonic() - began),
    }  # fmt: skip


def _records(timer: Timer, topic: str) -> Iterator[Any]:
    return timer.topics.read(timer.settings.topic(topic), PARTITIONS)


def _attributes(message: Any) -> dict[str, str]:
    return {name.removeprefix("ce_"): value.decode() for name, value in message.headers()}


def judge(timer: Timer, violations: Counter[str]) -> Results:
    """Compare what is on the broker with the oracle; gives counts, and each invariant with its violations."""
    partitions: dict[int, list[Any]] = defaultdict(list)
    for message in _records(timer, "ticket-events"):
        partitions[message.partition()].append((_attributes(message), from_json(message.value())))
    wanted = expected(partitions[number] for number in range(PARTITIONS))
    if wanted.most_at_once >= BUDGET:
        raise AssertionError(f"{wanted.most_at_once} alarms at one pulse: the load is not what the oracle can judge")
    copies: dict[str, set[bytes]] = defaultdict(set)
    names: dict[Signal, set[str]] = defaultdict(set)
    last: dict[tuple[str, str, int, str], str] = {}
    commands = 0
    for message in _records(timer, "ticket-commands"):
        attributes = _attributes(message)
        commands += 1
        new = attributes["id"] not in copies
        copies[attributes["id"]].add(repr((message.headers(), message.key(), message.value())).encode())
        for signal in from_json(message.value())["signals"]:
            clock = (attributes["subject"], signal["clock"], signal["cycle"], shown(instant(signal["due_at"])))
            at = shown(instant(signal["at"]))
            names[*clock, at, signal["rung"]].add(attributes["id"])
            if new:
                violations["alarm before one that is due earlier"] += at < last.get(clock, "")
                last[clock] = at
    log = timer.worker.log_path.read_text(errors="replace")
    violations["offset gap"] = len(re.findall(r"a hole in \S+/\d+", log))
    violations["lost timer"] = len(wanted.signals - set(names))
    violations["invented timer"] = len(set(names) - wanted.signals)
    violations["one alarm under two ids"] = sum(len(ids) > 1 for ids in names.values())
    violations["copies of one id differ"] = sum(len(found) > 1 for found in copies.values())
    violations["dead letter"] = sum(timer.topics.ends(timer.settings.topic("sla-timer-dead-letters"), 1))
    violations["recovered state is not the fold of the facts"] = _wrong_states(timer, wanted)
    return {
        "alarms": len(wanted.signals),
        "alarms_said": len(set(names) & wanted.signals),
        "commands": commands,
        "copies": commands - len(copies),
        "violations": dict(sorted(violations.items())),
    }


def _wrong_states(timer: Timer, wanted: Expected) -> int:
    values: dict[str, bytes] = {}
    for message in _records(timer, CHANGELOG):
        values[message.key().decode()] = message.value()
    wrong = len(set(values) ^ set(wanted.running))
    for ticket, value in values.items():
        state = load_state(value)
        held = {(str(clock.kind), clock.cycle, shown(moment_of(clock.due))) for clock in state.clocks}
        wrong += (state.sequence, held) != (wanted.last_sequence.get(ticket), wanted.running.get(ticket))
    return wrong

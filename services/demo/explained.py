"""The demo's log, kept as a file, and every ticket in it explained: each due instant computed anew."""

from dataclasses import dataclass
from pathlib import Path

from schemas.topics import load
from services.core.explain.story import explain
from services.core.policy import Policies
from services.runtime.log_file import TOPICS, read_log, write_log
from services.runtime.settings import Settings
from services.runtime.tail import Tail
from services.runtime.ticket_log import told


@dataclass(frozen=True)
class Checked:
    """How many due instants of how many tickets were computed anew, which tickets disagree, and the richest life."""

    log: Path
    tickets: int
    due_instants: int
    differing: tuple[str, ...]
    richest: str | None


def keep_and_explain(settings: Settings, policies: Policies, path: Path) -> Checked:
    """Write the log to `path`, and explain every ticket in it."""
    tail = Tail(settings, load(), TOPICS)
    try:
        write_log(path, tail.catch_up())
    finally:
        tail.close()
    differing: list[str] = []
    instants, richest = 0, ("", 0)
    lives = {ticket: said for ticket, said in told(read_log(path)).items() if said.facts}
    for ticket, said in lives.items():
        facts = list(said.facts.values())
        found = explain(ticket, facts, said.commands, policies, max(fact.time for fact in facts))
        instants += sum(len(entry.started) for entry in found.entries)
        if found.problems:
            differing.append(ticket)
        kinds = len({entry.type for entry in found.entries})
        richest = max(richest, (ticket, kinds), key=lambda pair: pair[1])
    return Checked(path, len(lives), instants, tuple(differing), richest[0] or None)

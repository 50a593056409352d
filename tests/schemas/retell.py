"""`python -m tests.schemas.retell`: write the facts of the example tickets anew, as the router tells them.

The example commands of a ticket are decided in the order of their file names. A fact that has a file keeps its text
(`about`); one that has none gets a file with a plain text, to be rewritten by hand. All other examples are written
again as the models of today encode them. Files of facts that are told no more are deleted.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from schemas.commands import Command
from schemas.docs import EXAMPLES, meaning
from schemas.envelope import Event
from schemas.events import BY_TYPE
from schemas.facts import Fact, TicketClosed
from schemas.wire import decode, encode
from services.core.lifecycle.decide import decide
from services.core.policy import Policies
from services.core.rulebook_articles import SuspensionRule
from services.core.ticket import Ticket
from services.runtime.policy_files import load_policies

ZONE = ZoneInfo("Asia/Shanghai")
Example = dict[str, Any]


def read() -> dict[Path, Example]:
    """Give every example by its file."""
    return {path: json.loads(path.read_text(encoding="utf-8")) for path in sorted(EXAMPLES.glob("*/*.json"))}


def event_of(example: Example) -> Event:
    """Decode an example."""
    value = json.dumps(example["value"], ensure_ascii=False).encode()
    return decode([(name, text.encode()) for name, text in example["headers"].items()], value)


def told(example: Example, event: Event, about: str) -> Example:
    """Give the example with that event in it."""
    headers, value = encode(event)
    written = {name: (text or b"").decode() for name, text in headers}
    return example | {"about": about, "headers": written, "value": json.loads(value or b"{}")}


def moment(event: Event) -> str:
    """Give the beginning of an `about`."""
    return f"{event.time.astimezone(ZONE):%a %Y-%m-%d %H:%M} (Asia/Shanghai). "


SWITCHED: dict[str, dict[str, Any]] = {"T-example2suspended2222222": {"suspension": SuspensionRule(enabled=True)}}
"""Stories of rules that the county's text does not know: its rulebook with a switch turned."""


def policies_of(key: str, policies: Policies) -> Policies:
    """Give the policies under which the story of a ticket is told."""
    turned = SWITCHED.get(key, {})
    return Policies(
        tuple((begin, replace(p, rulebook=p.rulebook.model_copy(update=turned))) for begin, p in policies.segments)
    )


def facts(examples: dict[Path, Example], key: str, policies: Policies) -> Iterator[tuple[Path, Fact]]:
    """Decide the commands of a ticket; gives each fact with the file of its command."""
    ticket: Ticket | None = None
    mine = [p for p, e in examples.items() if (e["topic"], e["key"]) == ("ticket-commands", key)]
    for path in sorted(mine, key=lambda p: p.name):
        command = event_of(examples[path])
        if not isinstance(command, Command):
            raise TypeError(f"{path}: no command")
        decision = decide(ticket, command, policies_of(key, policies))
        ticket = decision.ticket
        for fact in decision.facts:
            yield path, fact


def retell(examples: dict[Path, Example], policies: Policies) -> dict[Path, Example]:
    """Give the examples as they should be."""
    known = {
        (e["key"], int(e["headers"]["ce_sequence"]), p.parent.name, e["topic"]): p
        for p, e in examples.items()
        if "ce_sequence" in e["headers"]
    }
    after = {p: told(e, event_of(e), e["about"]) for p, e in examples.items() if p not in known.values()}
    for key in sorted({e["key"] for e in examples.values() if e["topic"] == "ticket-commands" and e["key"]}):
        for number, (source, fact) in enumerate(facts(examples, key, policies), 1):
            prefix = source.name.partition("-")[0]
            name = f"{number:02}" if prefix.isdigit() else f"{prefix}-{number:02}"
            verb = fact.type.rsplit(".", 2)[0].replace(".", "-").replace("_", "-")
            for topic in ("ticket-events", "closed-tickets") if isinstance(fact, TicketClosed) else ("ticket-events",):
                suffix = "" if topic == "ticket-events" else f"-on-{topic}"
                fresh = EXAMPLES / fact.type / f"{name}-{verb}{suffix}.json"
                path = known.get((key, number, fact.type, topic), fresh)
                plain = {"about": moment(fact) + meaning(BY_TYPE[fact.type]) + ".", "topic": topic, "key": key}
                example = examples.get(path, plain)
                after[path] = told(example, fact, moment(fact) + example["about"].partition("). ")[2])
    return after


def main() -> None:
    """Rewrite the files."""
    policies = load_policies(Path(__file__).parents[2] / "ops", "weixi")
    before = read()
    after = retell(before, policies)
    for path, example in after.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(example, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    for path in before.keys() - after.keys():
        path.unlink()


if __name__ == "__main__":
    main()

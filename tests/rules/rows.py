"""Plays a row of a decision table through the real door and the real folds, and says what is not as written."""

import os
import re
import tempfile
from dataclasses import replace
from datetime import date, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError

from schemas.commands import OpenTicket
from schemas.facts import Fact, TicketDispatched
from schemas.supervision import (
    AccountabilityFlagged,
    ContactRequested,
    DigestIssued,
    HotIssuePublished,
    ReminderIssued,
    ScorePublished,
)
from schemas.vocabulary import ClockKind, StopOutcome
from services.core.calendar import WorkCalendar
from services.core.calendar_data import CalendarLayer
from services.core.calendar_history import CalendarHistory, calendar_history, unit_history
from services.core.calendar_hours import HoursRule
from services.core.deadlines import Limit, due, provisional
from services.core.policy import Policies, Policy
from services.core.rulebook import Rulebook
from services.core.service import Rejected
from services.core.ticket import Ticket
from services.intake.door import Heard, actor_command, addressed, as_repeat, open_command
from services.intake.door import about as matter
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.policy_files import load_history, load_layers, parse
from services.runtime.vault import Vault
from tests.rules import words
from tests.rules.instants import INSTANT, WEEKDAYS, instant, written
from tests.rules.mesh import Mesh, Refusal
from tests.rules.tables import DASH, DAY, HERE, LIMIT, Row, articles
from tests.rules.verbs import NOTHING, OUTAGE, PERSONAL, GrammarError, line, message, submitted

KEY = b"key of the tables"
MEMORY = next((path for path in ("/dev/shm",) if os.access(path, os.W_OK)), None)  # noqa: S108
"""Where files are written to no disk: a vault waits for the disk at every step, and thousands of rows have one."""
CITED = articles()
DUE = re.compile(rf"({'|'.join(ClockKind)}) due")
OTHERS = (
    "rule",
    "ended",
    "legs",
    "reminders",
    "digests",
    "contacts",
    "scores",
    "numbers",
    "flags",
    "hot issues",
    "sealed",
    "switch",
    "amended",
    "hours",
    "calendar",
)
"""Columns beside the clocks: all that a table may have between facts and article."""


def play(row: Row, policy: Policy, knowledge: KnowledgeIndex) -> list[str]:
    """Give what differs from the row, line by line; nothing if all is as written."""
    try:
        if row.shape == DAY:
            return _compare_day(
                row, _layered(row.cells["calendar"]).latest if "calendar" in row.cells else policy.calendar
            )
        if row.shape == LIMIT:
            return _compare_limit(row, policy)
        return _compare_life(row, policy, knowledge)
    except (GrammarError, ValueError) as error:
        return [f"cannot be read: {error}"]


def _compare_day(row: Row, calendar: WorkCalendar) -> list[str]:
    weekday, day = row.cells["day"].split(" ")
    found = date.fromisoformat(day)
    if weekday != WEEKDAYS[found.weekday()]:
        raise GrammarError(f"{day} is a {WEEKDAYS[found.weekday()]}, not a {weekday}")
    reason = calendar.explain_day(found)
    said = f"{'yes' if reason.worked else 'no'}, {reason.name_zh} · {reason.name_en}, {reason.notice or DASH}"
    wanted = f"{row.cells['worked']}, {row.cells['because']}, {row.cells['article']}"
    if "layer" in row.cells:
        said, wanted = f"{said}, {reason.layer or DASH}", f"{wanted}, {row.cells['layer']}"
    return _differ("worked", [wanted], [said])


def _compare_limit(row: Row, policy: Policy) -> list[str]:
    start = instant(row.cells["start"])
    amount, _, unit = row.cells["limit"].partition(" ")
    limit = Limit(int(amount), f"{unit.replace(' ', '_').removesuffix('s')}s")  # type: ignore[arg-type]
    calendar = history().at(instant(row.cells["known"])) if "known" in row.cells else policy.calendar
    at = due(start, limit, calendar)
    marked = " provisional" if provisional(at, calendar) else ""
    return _differ("due", [row.cells["due"]], [written(at) + marked])


@cache
def history() -> CalendarHistory:
    """Give the county's calendar with all that was known when; cleared where a plant changes the calendar."""
    return load_history(HERE.parents[1] / "ops", "weixi")


@cache
def _layered(name: str) -> CalendarHistory:
    """Give a calendar of the test layers below the nation's real one."""
    layers = list(load_layers(HERE.parents[1] / "ops", "cn"))
    for file in ("test-province", "test-prefecture", "test-county"):
        path = HERE / "layers" / f"{file}.yaml"
        layers.append(parse(CalendarLayer, path.read_text(encoding="utf-8"), path.name))
        if file == name:
            return calendar_history(layers)
    raise GrammarError(f"{name} is none of the test layers")


@cache
def _schedules() -> dict[str, tuple[HoursRule, ...]]:
    found = yaml.safe_load((HERE / "office-hours.yaml").read_text(encoding="utf-8"))
    return {name: tuple(HoursRule.model_validate(rule) for rule in rules) for name, rules in found.items()}


@cache
def _unit_history(schedule: str) -> CalendarHistory:
    return unit_history(load_layers(HERE.parents[1] / "ops", "weixi"), _schedules()[schedule])


def forget() -> None:
    """Compile every calendar anew: a plant changes how that is done."""
    history.cache_clear()
    _layered.cache_clear()
    _unit_history.cache_clear()


def _with_hours(policy: Policy, said: list[str]) -> Policy:
    """Give the policy whose units keep office hours of their own: `U-URBAN hall`, from office-hours.yaml."""
    units = dict(text.split(" ") for text in said)
    entries = tuple(
        unit.model_copy(update={"office_hours": _schedules()[units[unit.id]]}) if unit.id in units else unit
        for unit in policy.directory.units
    )
    directory = policy.directory.model_copy(update={"units": entries})
    found = {unit: _unit_history(schedule) for unit, schedule in units.items()}
    latest = {unit: history.latest for unit, history in found.items()}
    return replace(policy, directory=directory, unit_histories=found, unit_calendars=latest)


def switched(policy: Policy, switches: list[str]) -> Policy:
    """Give the policy under another rulebook: `return.window.amount = 48`."""
    data = policy.rulebook.model_dump(mode="json", by_alias=True)
    for switch in switches:
        path, _, value = switch.partition(" = ")
        *folders, name = path.split(".")
        inner: Any = data
        for folder in folders:
            inner = inner[int(folder) if folder.isdecimal() else folder]
        if name not in inner:
            raise GrammarError(f"{switch!r}: the rulebook has no {path}")
        inner[name] = {"yes": True, "no": False}.get(value) if value in {"yes", "no"} else _yaml(value)
    return replace(policy, rulebook=Rulebook.model_validate(data))


def _yaml(value: str) -> Any:
    """Read a list as YAML; whatever else is left to the rulebook's own types."""
    return yaml.safe_load(value) if value.startswith("[") else value


def _amended(policy: Policy, parts: list[str]) -> Policies:
    """Give the county's rulebook and the one that follows it: `from Wed 2026-11-04; return.window.amount = 48`."""
    if not parts:
        return Policies.of([policy])
    begin = instant(f"{parts[0].removeprefix('from ')} 00:00").astimezone(policy.calendar.zone).date()
    changed = [f"effective_from = {begin.isoformat()}", "version = amended", *parts[1:]]
    return Policies.of([policy, switched(policy, changed)])


def told(row: Row, policy: Policy, knowledge: KnowledgeIndex) -> tuple[Mesh, int, datetime]:
    """Play a row; give the mesh, how much of its log the row was given, and the last instant."""
    if "switch" in row.cells:
        policy = switched(policy, row.parts("switch"))
    if "calendar" in row.cells:
        layered = _layered(row.cells["calendar"])
        policy = replace(policy, calendar=layered.latest, history=layered)
    if "hours" in row.cells:
        policy = _with_hours(policy, row.parts("hours"))
    mesh = Mesh(_amended(policy, row.parts("amended")) if "amended" in row.cells else Policies.always(policy))
    story = _Story(mesh, policy, knowledge)
    story.tell([part.strip() for part in row.given.split(";") if part.strip()])
    known = len(mesh.log)
    story.tell(row.parts("when"))
    if story.last is None:
        raise GrammarError("nothing happens in this row")
    return mesh, known, story.last


def _compare_life(row: Row, policy: Policy, knowledge: KnowledgeIndex) -> list[str]:
    unknown = [c for c in list(row.cells)[3:-1] if c not in OTHERS and not DUE.fullmatch(c)]
    if unknown:
        raise GrammarError(f"unknown column {unknown[0]}")
    mesh, known, last = told(row, policy, knowledge)
    new = mesh.log[known:]
    facts = [event for event in new if isinstance(event, Fact | Refusal)]
    wrong = _compare_facts(row, facts, last)
    for column in row.cells:
        if found := DUE.fullmatch(column):
            wrong += _differ(column, row.parts(column), _dues(mesh, ClockKind(found[1])))
    reminders = [event for event in new if isinstance(event, ReminderIssued)]
    said = {
        "rule": [f.rule for f in new if isinstance(f, TicketDispatched)],
        "ended": [
            f"{c.kind} {c.outcome}" for f in new if isinstance(f, Fact) for c in f.stopped
            if c.outcome is not StopOutcome.CANCELLED
        ],
        "legs": [words.leg(leg) for state in mesh.states() for leg in state.ticket.cycles],
        "reminders": [words.reminder(e) for e in sorted(reminders, key=lambda e: (e.time, e.rung))],
        "digests": [words.digest(e) for e in new if isinstance(e, DigestIssued)],
        "contacts": [words.contact(e) for e in new if isinstance(e, ContactRequested)],
        "scores": list({(e.unit, e.period): words.score(e) for e in new if isinstance(e, ScorePublished)}.values()),
        "numbers": list({(e.unit, e.period): words.numbers(e) for e in new if isinstance(e, ScorePublished)}.values()),
        "flags": [words.flag(e) for e in new if isinstance(e, AccountabilityFlagged)],
        "hot issues": [words.hot_issue(e) for e in new if isinstance(e, HotIssuePublished)],
        "sealed": [str(len(mesh.sealed))],
    }  # fmt: skip
    for column, found_there in said.items():
        if column in row.cells:
            wrong += _differ(column, row.parts(column), found_there)
    return wrong + _articles(row, facts, mesh) + _strays(mesh) + _leaks(mesh)


def _dues(mesh: Mesh, kind: ClockKind) -> list[str]:
    tickets = [state.ticket for state in mesh.states()]
    name = (lambda t: f"{t.id}: ") if len(tickets) > 1 else (lambda t: "")
    return [name(t) + words.due(c) for t in tickets for c in t.clocks if c.kind is kind]


def _compare_facts(row: Row, facts: list[Any], last: datetime) -> list[str]:
    """Compare every fact in order; where the row writes `at`, the instant too."""
    wanted, said = row.parts("facts"), []
    day_of = last
    for number, fact in enumerate(facts):
        text = f"not taken: {fact.code}" if isinstance(fact, Refusal) else words.phrase(fact)
        if fact.subject != "T1":
            text = f"{fact.subject}: {text}"
        written_at = re.fullmatch(rf".+ at ({INSTANT})", wanted[number]) if number < len(wanted) else None
        if written_at and isinstance(fact, Fact):
            at = instant(written_at[1], day_of)
            text += f" at {written_at[1] if at == fact.time else written(fact.time)}"
            day_of = at
        said.append(text)
    return _differ("facts", wanted, said)


def _articles(row: Row, facts: list[Any], mesh: Mesh) -> list[str]:
    """Each fact and clock cites what articles.md says; of the articles that the row names it must cite one."""
    wrong = []
    for event in mesh.log:
        if not isinstance(event, Fact):
            continue
        for name, about, article in cites(event):
            wanted = CITED[name, about].cells["article"] if (name, about) in CITED else "nothing yet"
            if article.partition(";")[0] not in wanted.split(", "):
                wrong.append(f"article: {name} {about} cites {article}, in articles.md it is {wanted}")
    cited = {fact.article for fact in facts if isinstance(fact, Fact)}
    cited |= {clock.article for state in mesh.states() for clock in state.ticket.clocks}
    cited |= {event.article for event in mesh.log if isinstance(event, AccountabilityFlagged)}
    cited |= {"Art. 5" for event in mesh.log if isinstance(event, HotIssuePublished)}
    cited |= {"Art. 10" for event in mesh.log if isinstance(event, ReminderIssued)}
    cited |= {"Art. 13"} if mesh.sealed else set()
    cited |= {"Art. 18" for said in facts if isinstance(said, Refusal) and said.code == "no-rules-in-force"}
    cited |= {"Art. 15" for event in mesh.log if isinstance(event, ScorePublished)}
    cited = {part.strip() for text in cited for part in text.split(";")}
    named = set(re.findall(r"Art\. [0-9]+(?: \([0-9]\))?", row.cells["article"]))
    if named and not cited & named:
        wrong.append(f"article: {' and '.join(sorted(named))} cited by none of {sorted(cited)}")
    return wrong


def cites(fact: Fact) -> list[tuple[str, str, str]]:
    """Give what a fact cites, and the clocks that it starts: name, what it is about, article."""
    about = getattr(fact, "clock", None) or getattr(fact, "command", DASH).removesuffix(".v1")
    started = [("clock", str(clock.kind), clock.article) for clock in fact.started]
    return [(fact.type.removesuffix(".v1"), str(about), fact.article), *started]


def _strays(mesh: Mesh) -> list[str]:
    """A ticket knows what its model names, and nothing else: copies of a model are not validated."""
    strays = {name for state in mesh.states() for name in state.ticket.__dict__.keys() - Ticket.model_fields.keys()}
    return [f"the ticket holds {', '.join(sorted(strays))}, which is no field of it"] if strays else []


def _leaks(mesh: Mesh) -> list[str]:
    text = "".join(event.model_dump_json() for event in mesh.log if not isinstance(event, Refusal))
    return ["Art. 13: personal data in the events"] if any(word in text for word in PERSONAL) else []


def _differ(what: str, wanted: list[str], said: list[str]) -> list[str]:
    if wanted == said:
        return []
    return [f"{what} in the table: {'; '.join(wanted) or DASH}", f"{what} as found:     {'; '.join(said) or DASH}"]


class _Story:
    """Tells a mesh the events of a row, one after another, at the instants at which they are heard."""

    def __init__(self, mesh: Mesh, policy: Policy, knowledge: KnowledgeIndex) -> None:
        self.mesh, self.directory, self.knowledge = mesh, policy.directory, knowledge
        self.keywords = policy.door.emergencies
        self.policy = policy
        self.last: datetime | None = None
        self.number = 0

    @cached_property
    def vault(self) -> Vault:
        self._folder = tempfile.TemporaryDirectory(dir=MEMORY)
        return Vault(Path(self._folder.name) / "vault.sqlite", SecretStr("of the tables"))

    def _known_before(self, heard: Heard) -> Heard:
        if heard.sealable is None or not isinstance(heard.command, OpenTicket):
            return heard
        what = matter(heard.command, self.policy)
        if what is None:
            return heard
        [earlier] = self.vault.earlier([(heard.sealable, what)])
        return replace(heard, command=as_repeat(heard.command, earlier)) if earlier else heard

    def tell(self, texts: list[str]) -> None:
        for text in texts:
            said = line(text, self.last)
            late = said.text == OUTAGE
            if not said.silent:
                self.mesh.pulse_until(said.heard, inclusive=late, late=late)
            self.number += 1
            for _ in range(1 + said.twice):
                self._say(said, self.number)
            self.last = said.heard
        if self.last is not None:
            self.mesh.pulse_until(self.last, inclusive=True)

    def _say(self, said: Any, number: int) -> None:
        if NOTHING.fullmatch(said.text) or said.text == OUTAGE:
            return
        opened = submitted(said, number)
        try:
            if opened is not None:
                heard = self._known_before(
                    open_command(opened, said.ticket, self.directory, self.knowledge, self.keywords)
                )
            else:
                state = self.mesh.state(said.ticket)
                heard = actor_command(message(said, number, state.ticket.unit if state else None), KEY, said.heard)
                if state is None:
                    handled = self.vault.known_as(said.ticket) or said.ticket
                    heard = replace(heard, command=addressed(heard.command, handled))
        except Rejected as error:
            self.mesh.log.append(Refusal(error.code, said.ticket))
            return
        except ValidationError as error:
            fields = ",".join(".".join(map(str, problem["loc"])) for problem in error.errors())
            self.mesh.log.append(Refusal(f"invalid {fields}", said.ticket))
            return
        if heard.sealable is not None and heard.sealable not in self.mesh.sealed:
            self.mesh.sealed.append(heard.sealable)
        self.mesh.say(heard.command)

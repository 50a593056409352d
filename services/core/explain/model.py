"""What an explanation consists of; `hotline explain --json` prints it as it stands."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from schemas.vocabulary import ClockKind, Stage, StopOutcome


class Part(BaseModel):
    """A frozen part of an explanation."""

    model_config = ConfigDict(frozen=True)


class Text(Part):
    """The same words in both languages."""

    en: str
    zh: str


class Day(Part):
    """A local day between start and end of a limit: whether it counted (`number` from 1), and why or why not.

    `notice` is the notice that makes the day what it is and `layer` the layer of the calendar that it belongs to;
    without both it is an ordinary workday or weekend. `hours` are the office hours counted, as `08:30-12:00`.
    """

    day: date
    counted: bool
    number: int | None
    working_seconds: int
    reason: Text
    kind: str
    notice: str | None
    layer: str | None
    hours: tuple[str, ...]


class OfficeHours(Text):
    """Whose office hours were counted: those of the unit `unit`, or the jurisdiction's if it is left out."""

    unit: str | None


class ChangedDay(Part):
    """A day that another version of the calendar made worked or free, or gave other office hours."""

    day: date
    before: Text
    after: Text
    notice: str | None


class Revision(Part):
    """Why a running clock was decided again: both versions of the calendar, what made the new one known, which days."""

    old_due_at: datetime
    old_calendar: str
    new_calendar: str
    notices: tuple[str, ...]
    days: tuple[ChangedDay, ...]


class Arithmetic(Part):
    """How a clock came to its due instant, computed anew from rulebook and calendar.

    `agrees` says whether that gives the instant that was recorded. `calendar` is the version that decided.
    """

    clock: ClockKind
    cycle: int
    started_at: datetime
    due_at: datetime
    limit: str
    article: str
    calendar: str
    office_hours: OfficeHours
    provisional: bool
    steps: tuple[Text, ...]
    days: tuple[Day, ...]
    agrees: bool
    revision: Revision | None = None


class Ended(Part):
    """How a clock ended: met, late or cancelled, and how many seconds before (or after, negative) its due instant."""

    clock: ClockKind
    cycle: int
    due_at: datetime
    stopped_at: datetime
    outcome: StopOutcome
    margin_seconds: int


class Cause(Part):
    """What led to a fact: a command, who said it, and when it happened."""

    id: str
    type: str
    title: Text
    role: str | None
    actor: str | None
    time: datetime


class Entry(Part):
    """One fact: what happened, why, under which rule and rulebook, and what it did to the clocks."""

    sequence: int
    id: str
    type: str
    title: Text
    time: datetime
    stage: Stage
    unit: str | None
    article: str
    rulebook: str
    details: dict[str, str]
    cause: Cause | None
    started: tuple[Arithmetic, ...]
    ended: tuple[Ended, ...]


class Next(Part):
    """What a running clock leads to unless something happens before."""

    clock: ClockKind
    cycle: int
    due_at: datetime
    overdue: bool
    consequence: Text


class Explanation(Part):
    """A ticket explained. `problems` names whatever does not agree; empty means that every due instant was verified."""

    ticket: str
    time_zone: str
    rulebooks: tuple[str, ...]
    entries: tuple[Entry, ...]
    next: tuple[Next, ...]
    stage: Stage
    problems: tuple[Text, ...]

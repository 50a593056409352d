"""Everything a decision is made by: rulebook, calendar and directory, as one value."""

from dataclasses import dataclass

from services.core.calendar import WorkCalendar
from services.core.directory import Directory
from services.core.rulebook import Rulebook


@dataclass(frozen=True)
class Policy:
    """The rules in force, compiled."""

    rulebook: Rulebook
    calendar: WorkCalendar
    directory: Directory

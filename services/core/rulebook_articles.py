"""What each article of a rulebook says: limits and switches as validated data (Art. 4 to 15)."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from schemas.envelope import Token
from schemas.vocabulary import ClockKind, Kind, Rung
from services.core.directory import LocalTime
from services.core.rule import HoursRule, LimitRule, Rule


class ExtensionRule(Rule):
    """How often and by how much a handling limit may be extended (Art. 8).

    `each` adds to the old due instant; `total` caps limit and extension together. One of the two is given.
    """

    max_count: int = Field(ge=0)
    each: LimitRule | None = None
    total: LimitRule | None = None

    @model_validator(mode="after")
    def _one_model(self) -> "ExtensionRule":
        if self.max_count and (self.each is None) == (self.total is None):
            raise ValueError("give either each or total")
        return self


class KindRule(Rule):
    """What applies to one kind of matter: handling limit, extension, and whether it is dispatched at any hour."""

    handle: LimitRule
    extension: ExtensionRule
    immediate: bool = False
    sign_wall_clock: bool = False
    sign: LimitRule | None = None

    @model_validator(mode="after")
    def _a_cap_is_not_smaller_than_the_limit(self) -> "KindRule":
        total = self.extension.total
        if total is not None and total.unit == self.handle.unit and total.amount < self.handle.amount:
            raise ValueError(f"extension.total of {total} is shorter than the limit of {self.handle}")
        return self


class DispatchRule(Rule):
    """Art. 6: off-hours tickets are held until the opening and must be out by `out_by` local time.

    A `limit` instead of that counts from when the ticket came, at any hour.
    """

    hold_off_hours: bool = True
    out_by: LocalTime
    limit: LimitRule | None = None
    article: str = "Art. 6"


class SignRule(Rule):
    """Art. 7: the limit to sign in working time, its wall-clock twin, and whether silence is deemed signing."""

    limit: LimitRule
    wall_clock_limit: LimitRule
    deemed: bool = True


class ReturnRule(Rule):
    """Art. 7: the window after signing, where its end moves if it falls on a day off, and the ping-pong cap."""

    window: LimitRule
    moves_to: LocalTime
    max_returns: int = Field(ge=0)
    adjudicate: LimitRule


class CoHandlingRule(Rule):
    """Art. 3: a lead unit and its co-handlers.

    A co-handler's part is due `joining_time` (working time) before the lead unit's own due instant. `lead_reply` says
    what the lead unit does about parts that are outstanding: it replies without them only once they are overdue
    (`waits_until_due`), never (`waits`), or whenever it likes (`at_once`).
    """

    max_units: int = Field(default=5, ge=0, le=20)
    joining_time: HoursRule = LimitRule(amount=4, unit="working_hours", article="Art. 3")
    lead_reply: Literal["waits_until_due", "waits", "at_once"] = "waits_until_due"


class ReplyReviewRule(Rule):
    """Art. 12: how long before the mesh heard a reply it may claim to have been given; else it is late-dated."""

    dating_tolerance: HoursRule = LimitRule(amount=24, unit="hours", article="Art. 12")


class SuspensionRule(Rule):
    """Suspension (挂起) while the citizen must supply something; the county's text does not know it, hence off.

    `reasons` is the closed list; `asks` who may ask, `approves` who decides: the office, or the body that accepted the
    ticket. The unit's clock stands still for `limit` at most, `max_count` times in the life of the matter.
    """

    enabled: bool = False
    reasons: tuple[Token, ...] = ("waiting-for-citizen-material", "citizen-not-reachable", "appointment-with-citizen")
    asks: tuple[Literal["unit", "office"], ...] = Field(default=("unit",), min_length=1)
    approves: Literal["office", "accepting_body"] = "office"
    limit: LimitRule = LimitRule(amount=5, unit="working_days", article="Art. 8")
    max_count: int = Field(default=1, ge=1)
    article: str = "Art. 8"


class RefusalRule(Rule):
    """国办函〔2025〕66号 (二): until when a refusal may be contested, and within which limit the office decides."""

    review_window: LimitRule = LimitRule(amount=5, unit="working_days", article="国办函〔2025〕66号 (二)")
    review: LimitRule = LimitRule(amount=1, unit="working_days", article="国办函〔2025〕66号 (二)")


class StatutoryLimit(Rule):
    """Art. 8: a limit that law or a superior order sets for a category, shorter or longer than the table's.

    `kinds`: only matters of these kinds; empty for all. In force from `effective_from` until before `effective_until`.
    """

    category: str
    kinds: tuple[Kind, ...] = ()
    amount: int = Field(ge=1, le=250)
    unit: Literal["working_days", "working_hours", "hours"] = "working_days"
    legal_basis: str = Field(min_length=2, max_length=100)
    effective_from: date
    effective_until: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "StatutoryLimit":
        if self.effective_until is not None and self.effective_until <= self.effective_from:
            raise ValueError(f"effective_until {self.effective_until} is not after {self.effective_from}")
        return self

    def rule(self, article: str) -> LimitRule:
        """Give it as the limit of a clock, which cites `article` and the law."""
        return LimitRule(amount=self.amount, unit=self.unit, article=f"{article}; {self.legal_basis}")

    def covers(self, kind: Kind, category: str, day: date) -> bool:
        """Say whether it holds for a matter dispatched on `day`."""
        until = self.effective_until or date.max
        return category == self.category and kind in (self.kinds or Kind) and self.effective_from <= day < until

    def clashes(self, other: "StatutoryLimit") -> bool:
        """Say whether both could hold for one matter on one day."""
        kinds = set(self.kinds or Kind) & set(other.kinds or Kind)
        apart = (self.effective_until or date.max) <= other.effective_from or (
            other.effective_until or date.max
        ) <= self.effective_from
        return self.category == other.category and bool(kinds) and not apart


class RevisitRule(Rule):
    """Art. 9: rating window, contact attempts, redo rounds, and the limits to judge and to explain."""

    rating_window: LimitRule
    contact_attempts: int = Field(ge=1)
    contact_channels: tuple[Literal["phone", "sms"], ...] = Field(min_length=1)
    max_redo_rounds: int = Field(ge=0)
    judge: LimitRule
    explain: LimitRule
    reopen_window: LimitRule


class RungRule(Rule):
    """One rung of the reminder ladder (Art. 10)."""

    rung: Rung
    channel: Literal["written", "phone"]
    percent: int | None = Field(default=None, ge=1, le=99)
    working_seconds_before: int | None = Field(default=None, ge=60)
    working_days_after: int | None = Field(default=None, ge=1, description="the n-th working day overdue")
    to_head: bool = False


class ReminderRule(Rule):
    """Art. 10: the ladder, which clocks it is for, and whether reminders wait for office hours.

    Written reminders of a unit are gathered in windows of `digest_minutes`, counted from local midnight; 0 gathers only
    those of one instant.
    """

    clocks: tuple[ClockKind, ...]
    ladder: tuple[RungRule, ...]
    quiet_outside_hours: bool = True
    digest_minutes: int = Field(default=0, ge=0, le=1440)
    article: str = "Art. 10"


class RepeatRule(Rule):
    """国办函〔2025〕66号 (五): when two tickets are about the same matter, and what follows from it.

    `same_matter` names what must agree for that (`unit`: the unit that has it, or would get it). With `find_earlier`
    the same caller's matter is an urge of the ticket that is open, and a repeat of one closed within `window`. At most
    `max_merged` tickets hang on one handling.
    """

    same_matter: tuple[Literal["category", "area", "unit"], ...] = Field(default=("category", "area"), min_length=1)
    find_earlier: bool = Field(default=False, description="the door looks for the same matter of the same caller")
    window: LimitRule = LimitRule(amount=30, unit="working_days", article="国办函〔2025〕66号 (五)")
    max_merged: int = Field(default=200, ge=0, le=1000)
    article: str = "国办函〔2025〕66号 (五)"

    def agree(self, one: Mapping[str, str | None], other: Mapping[str, str | None]) -> bool:
        """Say whether two matters, given by what `same_matter` names, are the same; what is not known never agrees."""
        return all(one[name] is not None and one[name] == other[name] for name in self.same_matter)

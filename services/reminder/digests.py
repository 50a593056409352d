"""The fold by unit: reminders of one rung in one window go out together, each ticket listed (Art. 10)."""

from datetime import datetime, timedelta
from itertools import groupby

from pydantic import BaseModel, ConfigDict

from schemas.envelope import Event, derived_id
from schemas.supervision import DigestIssued, ReminderCollected
from schemas.values import DigestItem
from schemas.vocabulary import Rung
from services.core.policy import Policy
from services.core.service import OpenClock, Output, Position, Rejected, Step

ITEMS_AT_MOST = 2000
"""Tickets in one digest: a record stays far below the largest that the topic takes."""


class Waiting(BaseModel):
    """A reminder that waits for the end of its window."""

    model_config = ConfigDict(frozen=True)
    send_at: datetime
    rung: Rung
    channel: str
    to_head: bool
    item: DigestItem

    @property
    def window(self) -> tuple[datetime, str, str, bool]:
        """Give what it shares with the others of its digest."""
        return (self.send_at, self.rung, self.channel, self.to_head)


class DigestState(BaseModel):
    """What waits for a unit, and how far each input partition is applied: nothing is collected twice."""

    model_config = ConfigDict(frozen=True)
    applied: dict[int, tuple[int, int]] = {}
    waiting: tuple[Waiting, ...] = ()


def send_at(policy: Policy, at: datetime, *, prompt: bool) -> datetime:
    """Give when a reminder that may go out at `at` does: at once, or at the end of its window, in office hours."""
    minutes = policy.rulebook.reminders.digest_minutes
    if prompt or not minutes:
        return at
    local = at.astimezone(policy.calendar.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    windows = -((midnight - local) // timedelta(minutes=minutes))
    end = (midnight + windows * timedelta(minutes=minutes)).astimezone(at.tzinfo)
    return policy.calendar.next_opening(end) if policy.rulebook.reminders.quiet_outside_hours else end


def collect(state: DigestState | None, event: Event, _at: Position) -> Step[DigestState]:
    """Take a reminder in, or out again; one partition's come in its order, so an old position was applied."""
    if not isinstance(event, ReminderCollected):
        raise Rejected("unexpected-type", f"{event.type} is nothing to collect")
    state = state or DigestState()
    place = (event.offset, event.index)
    if place <= state.applied.get(event.partition, (-1, 0)):
        return Step(state, duplicate=True)
    waiting = tuple(w for w in state.waiting if w.item.reminder != event.item.reminder)
    if not event.dropped:
        new = Waiting(
            send_at=event.send_at, rung=event.rung, channel=event.channel, to_head=event.to_head, item=event.item
        )
        waiting = (*waiting, new)
    return Step(DigestState(applied=state.applied | {event.partition: place}, waiting=waiting))


def wake_at(state: DigestState) -> datetime | None:
    """Give the end of the first window."""
    return min((w.send_at for w in state.waiting), default=None)


def _order(item: DigestItem) -> tuple[datetime, str, str, int, str]:
    return (item.due_at, item.ticket, item.clock, item.clock_cycle, item.reminder)


def _digest(source: str, unit: str, first: Waiting, items: tuple[DigestItem, ...]) -> Output:
    said = DigestIssued.model_validate(
        {
            "id": derived_id("digest", unit, *(item.reminder for item in items)),
            "source": source,
            "subject": unit,
            "time": first.send_at,
            "unit": unit,
            "rung": first.rung,
            "channel": first.channel,
            "to_head": first.to_head,
            "items": items,
        }
    )
    return Output("unit-digests", said)


def send(source: str, unit: str, state: DigestState, now: datetime) -> Step[DigestState]:
    """Send what windows that have ended hold: one digest per rung and window, tickets in the order of their dues."""
    due = sorted((w for w in state.waiting if w.send_at <= now), key=lambda w: (w.window, _order(w.item)))
    outputs = []
    for _, group in groupby(due, key=lambda w: w.window):
        together = tuple(group)
        for first in range(0, len(together), ITEMS_AT_MOST):
            part = together[first : first + ITEMS_AT_MOST]
            outputs.append(_digest(source, unit, part[0], tuple(w.item for w in part)))
    waiting = tuple(w for w in state.waiting if w.send_at > now)
    return Step(state.model_copy(update={"waiting": waiting}), tuple(outputs))


def clocks(state: DigestState) -> tuple[OpenClock, ...]:
    """Show what waits as clocks named `digest`: how many wait, and how many should have gone out."""
    return tuple(OpenClock("digest", w.send_at) for w in state.waiting)

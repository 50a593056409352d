"""The demo's driver: plays the city and its citizens against the mesh, in lockstep with simulated time.

A step is: say what happens up to T, one thing per ticket at a time, letting the mesh digest in between; then write
the pulse T, and let the mesh digest that. So the facts are the same on any machine.
"""

import http.client
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any
from urllib.parse import urlsplit

from schemas.envelope import Event
from schemas.facts import Fact
from schemas.supervision import ContactRequested
from schemas.topics import Topic
from schemas.upstream import UpstreamTicketSubmitted, UpstreamTicketUrged
from schemas.wire import WireError, decode
from services.core.calendar import WorkCalendar
from services.demo.cast import Cast
from services.demo.ledger import Ledger
from services.intake.adapters.open_data import SourceRequest
from services.intake.gateway.access import Access, Principal
from services.intake.gateway.credentials import issue, token_key
from services.runtime import wall
from services.runtime.clock import pulse
from services.runtime.letters import REPLAYED
from services.runtime.lockstep import Lockstep
from services.runtime.publisher import Publisher
from services.runtime.sealing import derive, ticket_token
from services.runtime.settings import Settings
from services.runtime.tail import Tail

WATCHED = (
    "upstream-tickets", "ticket-events", "closed-tickets", "reminder-events", "unit-digests", "contact-tasks",
    "unit-scores", "accountability-flags",
)  # fmt: skip
DEAD_LETTERS = tuple(
    f"{service}-dead-letters" for service in ("intake", "router", "sla-timer", "reminder", "revisit", "scoring")
)
BATCH = 400


class DoorRefusedError(RuntimeError):
    """The door did not take a command of the cast: a defect of the cast."""


@dataclass(frozen=True)
class Pace:
    """How far apart pulses are: by day (07:00-19:00 local time) and by night."""

    day: timedelta
    night: timedelta

    def after(self, at: datetime, calendar: WorkCalendar) -> datetime:
        """Give the instant of the pulse after `at`; pulses fall on whole multiples within the local day."""
        local = at.astimezone(calendar.zone)
        by_day = 7 <= local.hour < 19 and calendar.is_working_day(local.date())
        step = self.day if by_day else self.night
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        count = (local - midnight) // step + 1
        following = min(midnight + count * step, midnight + timedelta(days=1))
        if local.hour < 7:
            following = min(following, midnight + timedelta(hours=7))
        return following.astimezone(at.tzinfo)


@dataclass(order=True)
class _Due:
    at: datetime
    ticket: str
    order: int
    number: int
    said: Any = field(compare=False)


class Driver:
    """Drives one simulation; `steps` gives the simulated time after each pulse."""

    def __init__(
        self,
        settings: Settings,
        topics: Mapping[str, Topic],
        calendar: WorkCalendar,
        cast: Cast,
        url: str,
    ) -> None:
        self.ledger = Ledger()
        self.sent_commands = 0
        self._settings, self._topics, self._calendar, self._cast = settings, topics, calendar, cast
        self._publisher = Publisher(settings, "demo")
        self._lockstep = Lockstep(settings, topics)
        self._tail = Tail(settings, topics, [*WATCHED, *DEAD_LETTERS])
        self._http = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._token_key = derive(settings.master_key, "ticket-token")
        speaker = Principal(Access.SYSTEM, "demo")
        token = issue(speaker, token_key(settings.master_key), wall.now(), timedelta(days=7), "demo")
        self._headers = {"content-type": "application/cloudevents-batch+json", "authorization": f"Bearer {token}"}
        self._sources: dict[str, SourceRequest] = {}
        self._heap: list[_Due] = []
        self._numbers = 0

    def token(self, platform: str, upstream_id: str) -> str:
        """Give the ticket token of an upstream message."""
        return ticket_token(self._token_key, platform, upstream_id)

    def plan(self, at: datetime, ticket: str, order: int, said: Any) -> None:
        """Put something to say on the agenda."""
        self._numbers += 1
        heappush(self._heap, _Due(at, ticket, order, self._numbers, said))

    def plan_feed(self, feed: Iterable[SourceRequest | UpstreamTicketUrged]) -> None:
        """Put the arrivals on the agenda."""
        for item in feed:
            said = item.submitted if isinstance(item, SourceRequest) else item
            ticket = self.token(said.platform, said.upstream_id)
            if isinstance(item, SourceRequest):
                self._sources.setdefault(ticket, item)
            self.plan(said.time, ticket, 0, said)

    def send_raw(self, value: bytes, headers: list[tuple[str, bytes]], key: bytes | None) -> None:
        """Put a raw record on the feed, for instance a broken one."""
        self._publisher.send("upstream-tickets", value, key, headers).result(timeout=60)

    def steps(self, start: datetime, end: datetime, pace: Pace) -> Iterator[datetime]:
        """Run from `start` until `end`, or until nothing is left to happen."""
        at = start
        while at < end:
            at = pace.after(at, self._calendar)
            while self._say(at):
                self.settle()
            pulse(self._publisher, self._topics["ticket-commands"].partitions, at)
            self.settle()
            yield at
            if not self._heap and not self.ledger.open_count:
                return

    def settle(self) -> None:
        """Let the mesh digest, then hear what it said."""
        self._lockstep.settle()
        for record in self._tail.catch_up():
            name = record.position.topic
            if name in DEAD_LETTERS:
                headers = {key: value or b"" for key, value in record.headers}
                if REPLAYED in headers:
                    continue  # says that a letter was sent again; is none
                self.ledger.add_dead_letter(
                    name, headers["dlq.errors.service"].decode(), headers["dlq.errors.class"].decode(),
                    headers["dlq.errors.topic"].decode(), int(headers["dlq.errors.partition"]),
                    int(headers["dlq.errors.offset"]),
                )  # fmt: skip
                continue
            try:
                event = decode(record.headers, record.value)
            except WireError:
                continue  # a broken record on the feed: the door reports it, in its dead letters
            self.ledger.add(name, record.position.partition, record.position.offset, event)
            if name in {"ticket-events", "contact-tasks"}:
                self._hear(event)

    def _hear(self, event: Event) -> None:
        if not isinstance(event, Fact | ContactRequested):
            return
        for planned in self._cast.react(event, self._sources.get(event.subject)):
            self.plan(planned.at, planned.ticket, planned.order, planned.command)

    def _say(self, until: datetime) -> bool:
        """Say the earliest thing of each ticket that is due; gives whether anything was said."""
        now: dict[str, _Due] = {}
        later: list[_Due] = []
        while self._heap and self._heap[0].at <= until:
            due = heappop(self._heap)
            if due.ticket in now:
                later.append(due)
            else:
                now[due.ticket] = due
        self._heap += later
        heapify(self._heap)
        commands = []
        futures = []
        for due in now.values():
            if isinstance(due.said, UpstreamTicketSubmitted | UpstreamTicketUrged):
                futures.append(self._publisher.publish("upstream-tickets", due.said, key=due.ticket))
            else:
                commands.append(due.said)
        for future in futures:
            future.result(timeout=60)
        for first in range(0, len(commands), BATCH):
            self._post(commands[first : first + BATCH])
        return bool(now)

    def _post(self, commands: list[dict[str, Any]]) -> None:
        body = json.dumps(commands, ensure_ascii=False).encode()
        try:
            answer, said = self._exchange(body)
        except (ConnectionError, http.client.HTTPException):
            # The door was restarted; what it took before is under the same ids, so saying it again is harmless.
            self._http.close()
            answer, said = self._exchange(body)
        if answer.status != http.HTTPStatus.ACCEPTED:
            raise DoorRefusedError(f"the door answered {answer.status}: {said[:500].decode(errors='replace')}")
        self.sent_commands += len(commands)

    def _exchange(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        self._http.request("POST", "/v1/commands", body, self._headers)
        answer = self._http.getresponse()
        return answer, answer.read()

    def close(self) -> None:
        """Close every connection."""
        self._publisher.close()
        self._lockstep.close()
        self._tail.close()
        self._http.close()

"""Behind the door: whatever comes in is sealed first, then said on `ticket-commands`, then remembered."""

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from schemas.commands import Command, OpenTicket, RepeatTicket
from schemas.upstream import UpstreamTicketSubmitted, UpstreamTicketUrged
from schemas.wire import WireError, decode
from services.core.knowledge import KnowledgeBase
from services.core.policy import Policies
from services.core.service import Rejected
from services.core.upstream.translation import Native, Withdrawn
from services.intake import door, form
from services.runtime import logs, wall
from services.runtime.dead_letters import OWNER, bury
from services.runtime.engine import Record
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.metrics import Metrics
from services.runtime.publisher import Publisher
from services.runtime.received import Received
from services.runtime.sealing import derive, ticket_token
from services.runtime.seen import Seen
from services.runtime.settings import Settings
from services.runtime.spoilage import Spoilage, TooManyDeadLettersError, limits_of, stopped_by
from services.runtime.vault import open_vault

ACK_SECONDS = 90.0
ACK_SECONDS_HTTP = 20.0
FEED = "upstream-tickets"
CONFLICT = "same-id-other-body"
CONFLICT_SAID = "id: another body came under it before; what came first stands"


@dataclass(frozen=True)
class Passed:
    """What was handed to Kafka: `acknowledged` returns when Kafka has all of it, and raises if it has not.

    `conflicts` are the places of messages that were not taken, because another body had come under their id.
    """

    conflicts: frozenset[int]
    acknowledged: Callable[[], None]


class Door:
    """Everything that comes in, by whichever way: sealed first, then said on `ticket-commands`, then remembered."""

    def __init__(self, settings: Settings, policies: Policies, knowledge: KnowledgeBase, metrics: Metrics) -> None:
        self.settings, self.policies, self.metrics = settings, policies, metrics
        self.knowledge = KnowledgeIndex(knowledge, policies.newest.calendar.zone)
        metrics.show_knowledge(lambda: self.knowledge.upkeep(wall.now()))
        self.publisher = Publisher(settings, "intake")
        self.vault = open_vault(settings)
        self.seen = Seen(settings)
        self.spoilage = Spoilage(limits_of(settings))
        path = settings.home / "vault" / f"{settings.topic_prefix}received.sqlite"
        self.received = Received(path, derive(settings.master_key, "received"))
        self.handled_as: Callable[[str], str | None] = lambda _ticket: None
        """Gives the ticket under which a matter is handled, once the view knows."""
        self.token_key = derive(settings.master_key, "ticket-token")
        self.digest_key = derive(settings.master_key, "template-digest")

    def hear(self, said: UpstreamTicketSubmitted | UpstreamTicketUrged) -> door.Heard:
        """Turn what a platform said into a command; raises `Rejected`."""
        ticket = ticket_token(self.token_key, said.platform, said.upstream_id)
        if isinstance(said, UpstreamTicketUrged):
            return door.urge_command(said, ticket)
        policy = self.policies.at(said.time)
        door.check_dates(said, policy.calendar.last_day)
        return door.open_command(said, ticket, policy.directory, self.knowledge, policy.door.emergencies)

    def hear_native(self, said: Native) -> door.Heard:
        """Turn what a mapping made of a platform's record into a command; raises `Rejected`."""
        if isinstance(said, Withdrawn):
            ticket = ticket_token(self.token_key, said.platform, said.upstream_id)
            return door.withdraw_command(said, ticket)
        return self.hear(said)

    def heard_at(self, now: datetime) -> datetime | None:
        """Give when something is heard, if the door's clock shows the time of the mesh."""
        return None if self.settings.simulated_time else now

    def accept(self, heard: Sequence[door.Heard]) -> Passed:
        """Take what came by HTTP: seal it, and hand it to Kafka."""
        conflicts = self.received.conflicts([(item.message, item.body) for item in heard])
        for place in sorted(conflicts):
            self.metrics.events.labels("intake", "http", heard[place].command.type, "conflict").inc()
        heard = [item for place, item in enumerate(heard) if place not in conflicts]
        known = self.seen.known([item.command.id for item in heard])
        fresh = [item for item in heard if item.command.id not in known]
        said = self._sealed(fresh)
        delivered = self.publisher.hand_over("ticket-commands", said, ACK_SECONDS_HTTP)

        def acknowledged() -> None:
            delivered()
            self.seen.remember([item.command.id for item in fresh])
            self.count("http", said, len(heard) - len(fresh))

        return Passed(conflicts, acknowledged)

    def _sealed(self, heard: Sequence[door.Heard]) -> list[Command]:
        """Seal, then give what is to be said.

        Matters that their callers brought before are found first: decided once, before anything is said.
        """
        matters = []
        for place, item in enumerate(heard):
            if item.sealable is None or not isinstance(item.command, OpenTicket):
                continue
            what = door.about(item.command, self.policies.at(item.command.time))
            if what is not None:
                matters.append((place, item.sealable, what))
        found = self.vault.earlier((sealable, what) for _, sealable, what in matters) if matters else []
        said = [self._addressed(item.command) for item in heard]
        for (place, _, _), earlier in zip(matters, found, strict=True):
            if earlier is not None:
                said[place] = door.as_repeat(said[place], earlier)
        self.vault.put([item.sealable for item in heard if item.sealable])
        return said

    def _addressed(self, command: Command) -> Command:
        """Address to the earlier ticket what concerns a matter that was taken for an urge of it."""
        if isinstance(command, OpenTicket | RepeatTicket):
            return command
        ticket = command.subject
        return door.addressed(command, self.handled_as(ticket) or self.vault.known_as(ticket) or ticket)

    def carry(self, records: Sequence[Record]) -> None:
        """Take one batch of the feed; returns when every command and dead letter is acknowledged."""
        now = self.heard_at(wall.now())
        came: list[tuple[Record, door.Heard]] = []
        futures: list[Future[int]] = []
        for record in records:
            try:
                said = decode(record.headers, record.value)
                if not isinstance(said, UpstreamTicketSubmitted | UpstreamTicketUrged):
                    raise Rejected("unexpected-type", f"{said.type} does not belong on {FEED}")
                form.check(said, record.value or b"", now)
                came.append((record, self.hear(said)))
            except (WireError, Rejected) as error:
                futures.append(self._bury(record, error.code, str(error)))
            except Exception as error:  # noqa: BLE001 - a defect of ours: never a crash loop, never silence
                self._suspect_a_bad_deploy(record)
                futures.append(self._bury(record, "handler-error", type(error).__name__))
            else:
                self.spoilage.of(FEED, record.position.partition).good()
        conflicts = self.received.conflicts([(item.message, item.body) for _, item in came])
        futures += [self._bury(came[place][0], CONFLICT, CONFLICT_SAID) for place in sorted(conflicts)]
        heard = [item for place, (_, item) in enumerate(came) if place not in conflicts]
        known = self.seen.known([item.command.id for item in heard])
        fresh = [item for item in heard if item.command.id not in known]
        commands = self._sealed(fresh)
        futures += [self.publisher.publish("ticket-commands", command) for command in commands]
        for future in futures:
            future.result(timeout=ACK_SECONDS)
        self.seen.remember([item.command.id for item in fresh])
        self.count(FEED, commands, len(heard) - len(fresh))

    def count(self, topic: str, said: Sequence[Command], duplicates: int) -> None:
        """Count what was passed on and what was dropped."""
        for name, count in Counter(command.type for command in said).items():
            self.metrics.events.labels("intake", topic, name, "handled").inc(count)
        matters = (command.matter if isinstance(command, RepeatTicket) else command for command in said)
        lanes = Counter(matter.lane.value for matter in matters if isinstance(matter, OpenTicket))
        for lane, count in lanes.items():
            self.metrics.lanes.labels(lane).inc(count)
        if duplicates:
            self.metrics.duplicates.labels("intake", topic).inc(duplicates)

    def _suspect_a_bad_deploy(self, record: Record) -> None:
        # What a platform sends wrongly is its own fault, and must not close the door to the others: only ours counts.
        at = record.position
        if (said := self.spoilage.of(at.topic, at.partition).bad()) is not None:
            raise TooManyDeadLettersError(stopped_by(at.topic, at.partition, said))

    def _bury(self, record: Record, code: str, reason: str) -> "Future[int]":
        at = record.position
        letter = bury(self.settings.master_key, "intake", record, code, reason, self.vault, self._owner(record))
        self.metrics.dead_letters.labels("intake", at.topic, code).inc()
        self.metrics.events.labels("intake", at.topic, "unknown", "dead-letter").inc()
        logs.get().warning(
            "dead letter", topic=at.topic, partition=at.partition, offset=at.offset, code=code, reason=reason
        )
        return self.publisher.send("intake-dead-letters", letter.value, None, letter.headers)

    def _owner(self, record: Record) -> str | None:
        """Give the ticket that a record is about, if it says so at all: erasing the ticket then erases the letter."""
        key = (record.key or b"").decode("utf-8", "replace")
        if OWNER.fullmatch(key):
            return key
        said: Any = None
        with contextlib.suppress(ValueError):
            said = from_json(record.value or b"")
        named = (said.get("platform"), said.get("upstream_id")) if isinstance(said, dict) else key.split("|", 1)
        if len(named) == 2 and all(isinstance(part, str) and part for part in named):
            return ticket_token(self.token_key, *map(str, named))
        return None

    def close(self) -> None:
        """Wait for what is under way, then close."""
        self.publisher.close()
        self.vault.close()
        self.received.close()

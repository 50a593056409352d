"""Tells upstream platforms what became of their matters (结果反馈, Art. 4): signed webhooks, driven from the log.

What is owed and what is settled stand in the outbox, which follows from the log. A platform's confirmation goes to
`feedback-events` before the next fact of that ticket is told. Killed in between, the same fact is told again under the
same `webhook-id`. Each platform has places of its own: one that is away or slow delays nobody else.
"""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from confluent_kafka import KafkaException

from schemas.envelope import derived_id
from schemas.events import BY_TYPE
from schemas.facts import Fact
from schemas.feedback import FeedbackAbandoned, FeedbackReceived
from schemas.wire import encode
from services.core.feedback import message, wait_seconds
from services.core.service import Position
from services.runtime import logs, wall
from services.runtime.dead_letters import bury
from services.runtime.engine import Record
from services.runtime.metrics import Metrics
from services.runtime.offsets import admin_client, latest_offsets
from services.runtime.outbox import TOPIC, Delivery, Outbox
from services.runtime.ownership import Ownership
from services.runtime.platform_files import Feedback
from services.runtime.publisher import NotAcknowledgedError, Publisher
from services.runtime.sealing import feedback_key
from services.runtime.settings import Settings
from services.runtime.ticket_view import TicketView
from services.runtime.webhooks import Answer, post, session, signed

FACTS: Final = "ticket-events"
SOURCE: Final = "/hotline-mesh/intake"
AT_ONCE: Final = 8
"""Requests to one platform at a time."""
AWAY_AFTER: Final = 3
"""Failures in a row after which a platform counts as away: it is then tried with one request at a time."""
LONGEST_PAUSE: Final = 60.0
ROUND_SECONDS: Final = 0.1
ACK_SECONDS: Final = 90.0
ABANDONED: Final = "feedback-abandoned"


@dataclass
class Line:
    """What the sender knows of one platform: how often in a row it was away, and when it is tried again."""

    feedback: Feedback
    keys: tuple[bytes, ...]
    away: int = 0
    resumes_at: float = 0.0
    tickets: set[str] = field(default_factory=set)
    """Tickets with a request under way: one at a time, in order."""

    def places(self, now: float) -> int:
        """Say how many more requests may be made now."""
        if now < self.resumes_at:
            return 0
        return max(0, (1 if self.away >= AWAY_AFTER else AT_ONCE) - len(self.tickets))

    def heard(self, answer: Answer, now: float) -> None:
        """Take note of how the platform answered."""
        self.away = self.away + 1 if answer.away else 0
        pause = min(LONGEST_PAUSE, 2.0 ** min(self.away - AWAY_AFTER, 10)) if self.away >= AWAY_AFTER else 0.0
        self.resumes_at = now + max(pause, answer.retry_after)


class FeedbackSender:
    """A thread that empties the outbox of the partitions that this replica owns; `failure` says why it ended."""

    def __init__(
        self, settings: Settings, view: TicketView, outbox: Outbox, publisher: Publisher, metrics: Metrics
    ) -> None:
        self._settings, self._view, self._outbox = settings, view, outbox
        self._publisher, self._metrics = publisher, metrics
        self._lines = {
            name: Line(asked, tuple(feedback_key(settings.master_key, name, n) for n in asked.key_generations))
            for name, asked in outbox.platforms.items()
        }
        self._stop = threading.Event()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)

    def start(self) -> None:
        """Send in a thread of its own; without platforms that want feedback there is nothing to do."""
        if self._lines:
            self._thread.start()

    def stop(self) -> None:
        """Let requests under way end, then stop."""
        self._stop.set()
        if self._lines:
            self._thread.join(timeout=30)

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except BaseException as error:  # noqa: BLE001 - shown by `failure`; the process decides
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        logs.get().error("the feedback sender stopped", error=repr(error))
        self.failure = error
        self._stop.set()

    async def _send(self) -> None:
        ownership = Ownership(self._settings, "feedback", FACTS)
        under_way: set[asyncio.Task[None]] = set()
        generation, ready = -1, False
        ends: Mapping[tuple[str, int], int] = {}
        try:
            async with session() as client:
                while not self._stop.is_set():
                    owned = ownership.refresh()
                    if generation != ownership.generation:
                        ready, ends = False, await asyncio.to_thread(self._ends, owned)
                        generation = ownership.generation if ends or not owned else generation
                    ready = ready or (bool(owned) and generation == ownership.generation and self._caught_up(ends))
                    if ready:
                        under_way |= self._begin(client, owned)
                    if under_way:
                        _, under_way = await asyncio.wait(
                            under_way, timeout=ROUND_SECONDS, return_when=asyncio.FIRST_COMPLETED
                        )
                    else:
                        await asyncio.sleep(ROUND_SECONDS)
                await asyncio.gather(*under_way)
        finally:
            ownership.close()

    def _ends(self, owned: frozenset[int]) -> Mapping[tuple[str, int], int]:
        """Give what the outbox must have read before these partitions may be served; nothing while Kafka is away."""
        wanted = [(self._settings.topic(topic), number) for topic in (FACTS, TOPIC) for number in sorted(owned)]
        admin = admin_client(self._settings.bootstrap_servers)
        try:
            return latest_offsets(admin, wanted) if wanted else {}
        except KafkaException as error:
            logs.get().warning("feedback waits for the broker", error=str(error.args[0].name()))
            return {}

    def _caught_up(self, ends: Mapping[tuple[str, int], int]) -> bool:
        facts, outcomes = self._view.positions(), self._outbox.positions()
        known = {self._settings.topic(FACTS): facts, self._settings.topic(TOPIC): outcomes}
        return all(known[topic].get(number, 0) >= end for (topic, number), end in ends.items())

    def _begin(self, client: aiohttp.ClientSession, owned: frozenset[int]) -> set[asyncio.Task[None]]:
        now = wall.unix()
        begun = set()
        for name, line in self._lines.items():
            places = line.places(now)
            if places == 0:
                continue
            due = self._outbox.due(name, now, owned, places + len(line.tickets))
            for delivery in [found for found in due if found.ticket not in line.tickets][:places]:
                line.tickets.add(delivery.ticket)
                begun.add(asyncio.create_task(self._deliver(client, line, delivery)))
        return begun

    async def _deliver(self, client: aiohttp.ClientSession, line: Line, delivery: Delivery) -> None:
        try:
            facts = self._facts(delivery)
            body = message(facts, delivery.word, line.feedback.status_words)
            now = wall.now()
            answer = await post(client, line.feedback.url, signed(delivery.id, now, body, line.keys), body, now)
            line.heard(answer, wall.unix())
            self._metrics.feedback_attempts.labels(delivery.platform, answer.code).inc()
            await self._settle(line, delivery, facts, answer)
        except (NotAcknowledgedError, TimeoutError) as error:
            # It stays owed, and is told again under the same id when Kafka takes the receipt.
            logs.get().warning("feedback was told, but Kafka took no receipt", error=type(error).__name__)
            line.resumes_at = wall.unix() + LONGEST_PAUSE / 6
        except BaseException as error:  # noqa: BLE001 - a defect of ours: the process must say so
            self._fail(error)
        finally:
            line.tickets.discard(delivery.ticket)

    def _facts(self, delivery: Delivery) -> list[Fact]:
        found: list[Fact] = []
        for told in self._view.facts(delivery.ticket):
            if told.sequence <= delivery.sequence:
                envelope = {
                    "id": told.id, "source": "/hotline-mesh/router", "type": told.type, "subject": delivery.ticket,
                    "time": told.time, "causation": told.causation, "sequence": told.sequence,
                }  # fmt: skip
                fact = BY_TYPE[told.type].model_validate(told.data | envelope)
                if isinstance(fact, Fact):
                    found.append(fact)
        return found

    async def _settle(self, line: Line, delivery: Delivery, facts: list[Fact], answer: Answer) -> None:
        said = self._outcome(delivery, facts)
        if answer.received:
            await self._say(FeedbackReceived(id=derived_id("feedback-received", delivery.id), **said))
            return
        wait = wait_seconds(delivery.id, delivery.attempts + 1, line.feedback.retry_seconds)
        if wait is not None:
            self._outbox.failed(delivery, wall.unix() + max(wait, answer.retry_after))
            return
        await self._bury(delivery, facts[-1], answer.code)
        name = derived_id("feedback-abandoned", delivery.id, said["time"].isoformat())
        await self._say(FeedbackAbandoned(id=name, code=answer.code, **said))

    @staticmethod
    def _outcome(delivery: Delivery, facts: list[Fact]) -> dict[str, Any]:
        return {
            "source": SOURCE, "subject": delivery.ticket, "time": wall.now(), "causation": delivery.id,
            "platform": delivery.platform, "upstream_id": getattr(facts[0], "upstream_id", delivery.ticket),
            "fact_type": facts[-1].type, "fact_sequence": delivery.sequence, "attempts": delivery.attempts + 1,
        }  # fmt: skip

    async def _say(self, outcome: FeedbackReceived | FeedbackAbandoned) -> None:
        acknowledged = self._publisher.publish(TOPIC, outcome)
        await asyncio.wait_for(asyncio.wrap_future(acknowledged), ACK_SECONDS)
        self._outbox.settle(outcome)

    async def _bury(self, delivery: Delivery, fact: Fact, code: str) -> None:
        """Set the fact aside; `hotline dlq replay` puts it on the log again, where the outbox alone takes notice."""
        headers, value = encode(fact)
        where = Position(FACTS, delivery.partition, delivery.offset)
        record = Record(where, delivery.ticket.encode(), value, tuple(headers), delivery.appended)
        reason = f"{delivery.platform} did not take it at the last of {delivery.attempts + 1} tries: {code}"
        letter = bury(self._settings.master_key, "intake", record, ABANDONED, reason)
        self._metrics.dead_letters.labels("intake", FACTS, ABANDONED).inc()
        logs.get().warning("feedback abandoned", ticket=delivery.ticket, code=code)
        acknowledged = self._publisher.send("intake-dead-letters", letter.value, None, letter.headers)
        await asyncio.wait_for(asyncio.wrap_future(acknowledged), ACK_SECONDS)

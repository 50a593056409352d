"""A stage for end-to-end tests: says things to a real mesh in lockstep and hears what it made of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.envelope import Event, derived_id
from schemas.facts import Fact
from schemas.topics import load
from schemas.upstream import UpstreamTicketSubmitted, UpstreamTicketUrged
from services.core.policy import Policy
from services.demo.driver import Driver, Pace
from services.runtime.mesh import Mesh
from services.runtime.policy_files import load_knowledge

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURLY = Pace(day=timedelta(hours=1), night=timedelta(hours=6))
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def at(text: str) -> datetime:
    """Read "Wed 2026-09-23 09:00" as local time; a wrong weekday is an error in the test."""
    weekday, rest = text.split(" ", 1)
    local = datetime.fromisoformat(rest).replace(tzinfo=SHANGHAI)
    assert WEEKDAYS[local.weekday()] == weekday, f"{rest} is a {WEEKDAYS[local.weekday()]}"
    return local.astimezone(UTC)


class Nobody:
    """A cast in which nobody acts by himself: the test says everything."""

    def react(self, _event: Event, _source: object) -> tuple[()]:
        return ()


class Stage:
    """One simulation with a script."""

    def __init__(self, mesh: Mesh, policy: Policy, cast: Any = None) -> None:
        self.mesh = mesh
        self.driver = Driver(mesh.settings, load(), policy.calendar, cast or Nobody(), mesh.url)
        self.now: datetime | None = None
        knowledge = load_knowledge(mesh.settings.policy_dir, mesh.settings.jurisdiction)
        self.knowledge_title = knowledge.root[0].title_zh

    def opens(self, upstream_id: str, when: str, **fields: Any) -> str:
        """A platform hands a matter down; gives the ticket token."""
        said = self.submission(upstream_id, when, **fields)
        ticket = self.driver.token("stage", upstream_id)
        self.driver.plan(said.time, ticket, 0, said)
        return ticket

    @staticmethod
    def submission(upstream_id: str, when: str, **fields: Any) -> UpstreamTicketSubmitted:
        """Give the message with which a platform hands a matter down."""
        return UpstreamTicketSubmitted.model_validate(
            {
                "id": f"m-{upstream_id}", "source": "/platform/stage", "time": at(when), "platform": "stage",
                "upstream_id": upstream_id, "kind": "help", "category": "bulky-waste", "area": "533423100",
                "channel": "phone",
            } | fields
        )  # fmt: skip

    def urges(self, upstream_id: str, when: str) -> None:
        """The citizen asks the platform again."""
        said = UpstreamTicketUrged(
            id=f"u-{upstream_id}", source="/platform/stage", time=at(when), platform="stage", upstream_id=upstream_id
        )
        self.driver.plan(said.time, self.driver.token("stage", upstream_id), 0, said)

    def says(self, ticket: str, when: str, command: str, actor: str, **data: Any) -> None:
        """An actor ("unit:U-SANITATION") says something about a ticket."""
        role, _, name = actor.partition(":")
        message = {
            "specversion": "1.0", "id": derived_id("stage", ticket, when, command), "source": f"/actor/{role}",
            "type": command, "subject": ticket, "time": at(when).isoformat(),
            "data": {"actor": {"role": role, "id": name or role}} | data,
        }  # fmt: skip
        self.driver.plan(at(when), ticket, 1, message)

    def replies(self, ticket: str, when: str, unit: str, **changes: Any) -> None:
        """A unit replies, well unless `changes` say otherwise."""
        reply = {
            "text": f"经现场核实,{when} 已完成清运。", "handler": "H-1", "responsible": "R-1", "result": "resolved",
            "points": 1, "points_answered": 1,
        } | changes  # fmt: skip
        self.says(ticket, when, "reply.submit.v1", f"unit:{unit}", reply=reply)

    def runs(self, begin: str, end: str, pace: Pace = HOURLY) -> None:
        """Let simulated time pass."""
        for _ in self.driver.steps(self.now or at(begin), at(end), pace):
            pass
        self.now = at(end)

    def facts(self, ticket: str) -> list[Fact]:
        """Give the ticket's facts, in order."""
        return list(self.driver.ledger.facts(ticket))

    def story(self, ticket: str) -> list[str]:
        """Give the types of the ticket's facts, without the version."""
        return [fact.type.removesuffix(".v1") for fact in self.facts(ticket)]

    def close(self) -> None:
        self.driver.close()

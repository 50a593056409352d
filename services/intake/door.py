"""What the door makes of what it hears: a lane for each matter, a command for each wish, free text taken out. Pure."""

import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from schemas.commands import (
    COMMANDS,
    Command,
    Merging,
    OpenTicket,
    PulseClock,
    RepeatTicket,
    SignalClocks,
    SubmitCoReply,
    SubmitExplanation,
    SubmitReply,
    SupplementTicket,
    UrgeTicket,
    WithdrawTicket,
)
from schemas.envelope import Event, derived_id
from schemas.events import BY_TYPE, type_of
from schemas.privacy import to_seal
from schemas.upstream import UpstreamTicketSubmitted, UpstreamTicketUrged
from schemas.values import Actor
from schemas.vocabulary import Kind, Lane, Role
from services.core.directory import Directory
from services.core.emergencies import EmergencyKeywords
from services.core.knowledge import Answers
from services.core.lifecycle.repeating import repeat_id
from services.core.policy import Policy
from services.core.reply_review import empty_phrases, template_digest
from services.core.service import Rejected, Sealable
from services.core.upstream.translation import Withdrawn

SOURCE = "/hotline-mesh/intake"
NO_KEYWORDS = EmergencyKeywords()
TICKET_TOKEN = re.compile(r"^T[A-Za-z0-9-]{1,70}$")
"""What a ticket token looks like: it becomes a Kafka key, so nothing else may pass for one."""
FROM_OUTSIDE = {
    type_of(cls): cls
    for cls in COMMANDS
    if cls not in {PulseClock, SignalClocks, OpenTicket, RepeatTicket} and not issubclass(cls, Merging)
}
"""Commands that actors may send; tickets come by `open_command`; pulses, alarms, mergings only from the mesh itself."""

WITH_TEXT: dict[type[Event], str] = {
    SubmitReply: "data.reply.text",
    SubmitCoReply: "data.reply.text",
    SubmitExplanation: "data.text",
    SupplementTicket: "data.text",
}
"""Commands that carry free text, and where."""
SEALED = to_seal(UpstreamTicketSubmitted)
"""Fields of a matter that go into the vault: whatever its model does not declare to be free of persons."""
SAID_BY_THE_DOOR = frozenset({"content_ref", "template_digest", "empty_phrases", "received_at", "instead_of"})


@dataclass(frozen=True)
class Heard:
    """What the door passes on, what it seals first, and the body as it came, in canonical form.

    `body` stays in memory: a keyed digest of it tells the same message from another one under its id.
    """

    command: Command
    sealable: Sealable | None = None
    body: bytes = field(default=b"", repr=False)

    @property
    def message(self) -> str:
        """Name the message: what its sender called it, within the sender."""
        return derived_id("message", self.command.source, self.command.id)


def open_command(
    said: UpstreamTicketSubmitted,
    ticket: str,
    directory: Directory,
    knowledge: Answers,
    emergencies: EmergencyKeywords = NO_KEYWORDS,
) -> Heard:
    """Choose the lane of a matter (Art. 2, 8) and make the command that opens it; the person goes into the vault.

    An emergency comes first, whatever the category: by the category itself, else by the words of title and content.
    """
    category = directory.category(said.category)
    lane = category.lane if category else Lane.ACCEPT
    number = category.call_number if category else None
    rule = f"category/{category.code}" if category and lane is Lane.EMERGENCY else None
    keywords = emergencies.match(said.title, said.content) if lane is not Lane.EMERGENCY else None
    if keywords is not None:
        lane, number, rule = Lane.EMERGENCY, keywords.number, keywords.id
    question = said.title if said.title.strip() else said.content
    asked = said.kind is Kind.CONSULTATION and lane is Lane.ACCEPT
    article = knowledge.match(question, said.time) if asked else None
    ref = derived_id("pii", ticket, said.id)
    personal = said.model_dump_json(include=set(SEALED)).encode()
    command = OpenTicket(
        id=derived_id("open", said.source, said.id),
        source=SOURCE,
        subject=ticket,
        time=said.time,
        causation=said.id,
        actor=Actor(role=Role.PLATFORM, id=said.platform),
        platform=said.platform,
        upstream_id=said.upstream_id,
        kind=said.kind,
        category=said.category,
        area=said.area,
        channel=said.channel,
        lane=Lane.KNOWLEDGE_BASE if article else lane,
        lane_code=category.lane_code if category and keywords is None else None,
        call_number=number,
        emergency_rule=rule,
        knowledge_article=article.id if article else None,
        pii_ref=ref,
        anonymous=said.anonymous,
        secrecy_requested=said.secrecy_requested,
        accepted_by=said.accepted_by,
        upstream_due_at=said.upstream_due_at,
        limit_override=said.limit_override,
        attachments=said.attachments,
    )
    return Heard(command, Sealable(ref, ticket, personal, "submission"), canonical(said))


def about(command: OpenTicket, policy: Policy) -> str | None:
    """Say what a matter is about, equal for the same matter of one caller; None if the door does not look for that.

    The kind always belongs to it, and secrecy: a complaint is no urge of a consultation. Anonymous callers stay so.
    """
    rules = policy.rulebook.repeats
    if not rules.find_earlier or command.lane is not Lane.ACCEPT or command.anonymous or command.limit_override:
        return None
    placed = policy.directory.place(command.category, command.area)
    named = {"category": command.category, "area": command.area, "unit": placed.unit.id if placed else None}
    if any(named[name] is None for name in rules.same_matter):
        return None
    secrecy = "secret" if command.secrecy_requested else "open"
    return "|".join([command.kind, secrecy, *(f"{name}={named[name]}" for name in sorted(rules.same_matter))])


def as_repeat(opened: Command, earlier: str) -> RepeatTicket:
    """Say the matter to the ticket that its caller brought it as before; it is opened only if that is open no more."""
    return RepeatTicket(
        id=repeat_id(opened.id, earlier),
        source=SOURCE,
        subject=earlier,
        time=opened.time,
        causation=opened.causation,
        actor=opened.actor,
        matter=OpenTicket.model_validate(opened),
    )


def addressed(command: Command, handled: str) -> Command:
    """Address what is said of a matter to the ticket that it is handled as: the one that it was taken for an urge of.

    A platform's withdrawal takes back the record that it names, not what the caller had brought before: it says so.
    """
    if command.subject == handled:
        return command
    record = isinstance(command, WithdrawTicket) and command.actor.role is Role.PLATFORM
    return command.model_copy(update={"subject": handled} | ({"instead_of": command.subject} if record else {}))


def canonical(said: Event) -> bytes:
    """Give the body of a message without its envelope: defaults filled in, in the order of the model.

    When it happened is no part of it: a platform that leaves `time` out says another one each time it asks again.
    """
    return said.model_dump_json(exclude=set(Event.ENVELOPE)).encode()


def check_dates(said: UpstreamTicketSubmitted, last_day: date) -> None:
    """Refuse due instants that no calendar reaches; raises `Rejected` naming the field."""
    override = said.limit_override.due_at if said.limit_override else None
    for name, instant in (("upstream_due_at", said.upstream_due_at), ("limit_override.due_at", override)):
        if instant is not None and instant.date() >= last_day:
            raise Rejected("invalid-field", f"{name}: the calendar ends on {last_day.isoformat()}")


def urge_command(said: UpstreamTicketUrged, ticket: str) -> Heard:
    """Pass on that the citizen asked again (催办)."""
    return Heard(
        UrgeTicket(
            id=derived_id("urge", said.source, said.id),
            source=SOURCE,
            subject=ticket,
            time=said.time,
            causation=said.id,
            actor=Actor(role=Role.PLATFORM, id=said.platform),
        ),
        body=canonical(said),
    )


def withdraw_command(said: Withdrawn, ticket: str) -> Heard:
    """Pass on that the citizen withdraws the matter (撤回)."""
    actor = Actor(role=Role.PLATFORM, id=said.platform)
    return Heard(
        WithdrawTicket(id=said.id, source=f"/platform/{said.platform}", subject=ticket, time=said.time, actor=actor),
        body=said.upstream_id.encode(),
    )


def _without_text(
    data: dict[str, Any], ticket: str, event_id: str, key: bytes, heard_at: datetime | None
) -> tuple[dict[str, Any], Sealable | None]:
    """Take free text out of a command's data; what review needs to know of it is noted first (Art. 12, 13)."""
    reply = data.get("reply")
    holder: dict[str, Any] = reply if isinstance(reply, dict) else data
    text = holder.pop("text", None)
    if not isinstance(text, str):
        return data, None
    if not text.strip():
        raise Rejected("invalid-field", f"data.{'reply.' if holder is reply else ''}text: must not be empty")
    ref = derived_id("text", ticket, event_id)
    holder["content_ref"] = ref
    if holder is reply:
        holder["template_digest"] = template_digest(text, key)
        holder["empty_phrases"] = empty_phrases(text)
        holder["received_at"] = heard_at.isoformat() if heard_at else None
    return data, Sealable(ref, ticket, text.encode())


def _own(data: dict[str, Any]) -> dict[str, Any]:
    """Give a copy without what the door alone says of a text: otherwise a sender could vouch for his own."""
    return {name: value for name, value in data.items() if name not in SAID_BY_THE_DOOR}


def actor_command(message: dict[str, Any], digest_key: bytes, heard_at: datetime | None = None) -> Heard:
    """Give the command of a structured-mode CloudEvent that an actor sent, heard by the door at `heard_at`.

    Raises `Rejected` (`unknown-type`) or pydantic's ValidationError, which names the fields.
    """
    name = str(message.get("type", ""))
    cls = FROM_OUTSIDE.get(name)
    if cls is None:
        known = "a mesh type that actors may not send" if name in BY_TYPE else "no type of this mesh"
        raise Rejected("unknown-type", f"type: {known}; actors may send: {', '.join(FROM_OUTSIDE)}")
    data = message.get("data")
    if not isinstance(data, dict):
        raise Rejected("invalid-field", "data: must be a JSON object")
    ticket, event_id = str(message.get("subject", "")), str(message.get("id", ""))
    if not TICKET_TOKEN.fullmatch(ticket):
        raise Rejected("invalid-field", "subject: must be the token of the ticket, T...")
    copied = _own(data)
    if isinstance(data.get("reply"), dict):
        copied["reply"] = _own(data["reply"])
    body = json.dumps([name, ticket, copied], sort_keys=True).encode()
    cleaned, sealable = _without_text(copied, ticket, event_id, digest_key, heard_at)
    if sealable is None and cls in WITH_TEXT:
        raise Rejected("invalid-field", f"{WITH_TEXT[cls]}: must be the text, in words")
    envelope = {field: message[field] for field in Event.ENVELOPE - {"sequence"} if field in message}
    command = cls.model_validate(cleaned | envelope)
    if not isinstance(command, Command) or command.actor.role is Role.SERVICE:
        raise Rejected("not-entitled", "data.actor.role: a service does not speak through the door")
    return Heard(command, sealable, body)


def problems(error: ValidationError) -> list[dict[str, str]]:
    """Name each wrong field and why, without its content."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [{"field": ".".join(map(str, p["loc"])), "problem": p["msg"], "code": p["type"]} for p in found]

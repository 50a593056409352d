"""The table of actions: what each operation of the gateway says to the mesh, and what its body may hold.

Bodies are derived from the commands of schemas/commands, so that the contract is written once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, StringConstraints, create_model

from schemas import commands
from schemas.envelope import Event, Instant, derived_id
from schemas.privacy import DataClass
from schemas.values import Reply
from services.intake.door import SAID_BY_THE_DOOR, WITH_TEXT, Heard, actor_command
from services.intake.form import STRICT
from services.intake.gateway.access import SPEAKS_AS, Access, Principal
from services.intake.gateway.limits import MAX_STRING

FreeText = Annotated[str, StringConstraints(pattern=r"\S", max_length=MAX_STRING), DataClass.FREE_TEXT]
MAY_DATE: Final = frozenset({Access.PLATFORM, Access.OFFICE})
"""Who may say that something happened earlier: a unit or a citizen cannot date himself out of a deadline."""


@dataclass(frozen=True)
class Action:
    """One operation on a ticket: its name, its path below the ticket, the command it becomes, and what it says."""

    name: str
    path: str
    command: type[Event]
    summary: str
    summary_zh: str


ACTIONS: Final = (
    Action("sign", "sign", commands.SignTicket, "The unit takes the ticket on (Art. 7)", "签收"),
    Action(
        "request-return", "return-requests", commands.RequestReturn, "The unit returns the ticket (Art. 7)", "申请退单"
    ),
    Action(
        "request-extension",
        "extension-requests",
        commands.RequestExtension,
        "The unit asks for time (Art. 8)",
        "申请延期",
    ),
    Action(
        "request-suspension",
        "suspension-requests",
        commands.RequestSuspension,
        "The unit waits for the citizen: it asks to be suspended",
        "申请挂起",
    ),
    Action(
        "decide-suspension",
        "suspension-decisions",
        commands.DecideSuspension,
        "The unit's clock is suspended or not",
        "挂起审批",
    ),
    Action("resume", "resumptions", commands.ResumeTicket, "A suspended ticket goes on", "恢复办理"),
    Action("reply", "replies", commands.SubmitReply, "The unit replies (Art. 7, 12)", "答复"),
    Action(
        "explain-to-citizen", "explanations", commands.SubmitExplanation, "The unit has explained (Art. 9)", "解释说明"
    ),
    Action("co-reply", "co-replies", commands.SubmitCoReply, "A co-handler's part (Art. 3, 12)", "提交协办意见"),
    Action(
        "request-co-return",
        "co-return-requests",
        commands.RequestCoReturn,
        "A co-handler asks out (Art. 7)",
        "协办退出",
    ),
    Action(
        "assign-co-handlers",
        "co-handlers",
        commands.AssignCoHandlers,
        "The office names them (Art. 3)",
        "指定协办",
    ),
    Action(
        "decide-co-return",
        "co-return-decisions",
        commands.DecideCoReturn,
        "The office decides it (Art. 7)",
        "协办退出裁定",
    ),
    Action("assign", "assignments", commands.AssignTicket, "The office names the unit (Art. 6)", "人工派单"),
    Action(
        "decline", "refusals", commands.DeclineTicket, "The office declines before dispatch, with a code", "不予受理"
    ),
    Action(
        "request-refusal-review",
        "refusal-reviews",
        commands.RequestRefusalReview,
        "The citizen has a refusal reviewed",
        "申请复核不予受理",
    ),
    Action(
        "decide-refusal-review",
        "refusal-review-decisions",
        commands.DecideRefusalReview,
        "The office upholds or overturns it",
        "复核决定",
    ),
    Action(
        "decide-return", "return-decisions", commands.DecideReturn, "The office decides a return (Art. 7)", "退单裁定"
    ),
    Action(
        "decide-extension",
        "extension-decisions",
        commands.DecideExtension,
        "More time is granted or refused (Art. 8)",
        "延期审批",
    ),
    Action(
        "log-contact", "contacts", commands.LogContact, "The office tried to reach the citizen (Art. 9)", "回访记录"
    ),
    Action(
        "judge-dissatisfaction",
        "judgements",
        commands.JudgeDissatisfaction,
        "The office judges dissatisfaction (Art. 9)",
        "不满意认定",
    ),
    Action("reopen", "reopenings", commands.ReopenTicket, "The office takes a closed ticket up again", "重新办理"),
    Action("merge", "merges", commands.MergeTicket, "The office merges it into another's handling", "并单"),
    Action("unmerge", "unmerges", commands.UnmergeTicket, "The office takes it out again", "拆分并单"),
    Action("log-call", "calls", commands.LogCall, "The office connected citizen and unit (Art. 5)", "三方通话记录"),
    Action("exclude-measure", "exclusions", commands.ExcludeMeasure, "Left out of assessment (Art. 15)", "考核剔除"),
    Action("request-appeal", "appeals", commands.RequestAppeal, "The unit appeals a measure (Art. 15)", "考核申诉"),
    Action("decide-appeal", "appeal-decisions", commands.DecideAppeal, "The office decides it (Art. 15)", "申诉裁定"),
    Action(
        "raise-accountability",
        "accountability-flags",
        commands.RaiseAccountability,
        "The office flags it for a person (Art. 16)",
        "提出问责线索",
    ),
    Action(
        "decide-accountability",
        "accountability-decisions",
        commands.DecideAccountability,
        "A person decides a flag (Art. 16)",
        "问责认定",
    ),
    Action("rate", "ratings", commands.SubmitRating, "The citizen evaluates (Art. 9)", "评价"),
    Action("urge", "urges", commands.UrgeTicket, "The citizen asks again", "催办"),
    Action("supplement", "supplements", commands.SupplementTicket, "The citizen adds to the matter", "补充材料"),
    Action("withdraw", "withdrawals", commands.WithdrawTicket, "The citizen withdraws the matter", "撤回"),
)
_OF_THE_MESH: Final = Event.ENVELOPE | {"actor"} | SAID_BY_THE_DOOR


def _fields(model: type[BaseModel], without: frozenset[str]) -> dict[str, Any]:
    return {name: (field.annotation, field) for name, field in model.model_fields.items() if name not in without}


ReplyContent = create_model(
    "ReplyContent", __config__=STRICT, text=(FreeText, Field(description="the reply itself; goes into the vault")),
    **_fields(Reply, SAID_BY_THE_DOOR),
)  # fmt: skip


def _body(action: Action) -> type[BaseModel]:
    fields = _fields(action.command, _OF_THE_MESH)
    if action.command in {commands.SubmitReply, commands.SubmitCoReply}:
        fields = {"reply": (ReplyContent, ...)}
    elif action.command is commands.LogCall:
        fields["reply"] = (ReplyContent | None, None)
    elif action.command in WITH_TEXT:
        fields["text"] = (FreeText, ...)
    fields["time"] = (
        Instant | None,
        Field(
            default=None, description="when it happened, if earlier than now; only an office or a platform may say so"
        ),
    )
    name = "".join(part.title() for part in action.name.split("-"))
    return create_model(f"{name}Body", __config__=STRICT, __doc__=action.summary, **fields)


BODIES: Final[dict[str, type[BaseModel]]] = {action.name: _body(action) for action in ACTIONS}
"""Operation to the model of its body."""
EMPTY: Final = frozenset(
    name for name, body in BODIES.items() if not any(field.is_required() for field in body.model_fields.values())
)
"""Operations whose body may be left out: the path says it all."""


def to_command(
    action: Action,
    principal: Principal,
    ticket: str,
    key: str,
    body: BaseModel,
    now: datetime,
    digest_key: bytes,
    heard_at: datetime | None,
) -> Heard:
    """Make the command of a request; the same principal, operation and idempotency key always give the same id.

    Raises `Rejected` or ValidationError as `actor_command` does.
    """
    said = body.model_dump(mode="json", exclude_unset=True)
    time = said.pop("time", None) or now.isoformat()
    role = SPEAKS_AS[principal.access]
    message = {
        "id": derived_id("gateway", principal.access.value, principal.id, action.name, ticket, key),
        "source": f"/{role.value}/{principal.id}",
        "type": action.command.model_fields["type"].default,
        "subject": ticket,
        "time": time,
        "data": said | {"actor": {"role": role.value, "id": principal.id}},
    }
    return actor_command(message, digest_key, heard_at)

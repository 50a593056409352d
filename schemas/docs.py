"""The reader's page of the vocabulary, `docs/events.md`: made from models, topic files and examples, never edited."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.audit import AUDIT
from schemas.commands import COMMANDS
from schemas.envelope import Event
from schemas.events import BY_TYPE, type_of
from schemas.facts import FACTS
from schemas.feedback import FEEDBACK
from schemas.supervision import SUPERVISION
from schemas.topics import Topic, load
from schemas.upstream import UPSTREAM

EXAMPLES: Final = Path(__file__).parent / "examples"
PAGE: Final = Path(__file__).parent.parent / "docs" / "events.md"
ZONE: Final = ZoneInfo("Asia/Shanghai")
STORY: Final = "T-example2bulky2waste2life"
"""The ticket whose whole life stands in the examples."""

CHINESE: Final[dict[str, str]] = {
    "upstream.ticket.submitted.v1": "上级平台来件(含个人信息)",
    "upstream.ticket.urged.v1": "上级平台转来催办",
    "ticket.open.v1": "请求立案,入口已分流",
    "ticket.repeat.v1": "同一来电人同一事项再次来件",
    "ticket.assign.v1": "人工派单台指定承办单位",
    "ticket.decline.v1": "热线办派单前决定不予受理",
    "refusal_review.request.v1": "市民申请复核不予受理",
    "refusal_review.decide.v1": "热线办作出复核决定",
    "ticket.sign.v1": "承办单位签收",
    "return.request.v1": "承办单位申请退单",
    "return.decide.v1": "热线办裁定退单",
    "co_handler.assign.v1": "热线办指定协办单位",
    "co_reply.submit.v1": "协办单位提交协办意见",
    "co_return.request.v1": "协办单位申请退出",
    "co_return.decide.v1": "热线办裁定协办退出",
    "extension.request.v1": "承办单位申请延期",
    "extension.decide.v1": "受理机构审批延期",
    "suspension.request.v1": "承办单位申请挂起",
    "suspension.decide.v1": "审批挂起",
    "ticket.resume.v1": "恢复办理",
    "reply.submit.v1": "承办单位答复",
    "reply.review.v1": "答复审核意见",
    "call.log.v1": "登记一次三方通话",
    "contact.log.v1": "登记一次回访联系",
    "rating.submit.v1": "市民评价",
    "dissatisfaction.judge.v1": "热线办认定不满意是否合理",
    "explanation.submit.v1": "承办单位已向市民解释说明",
    "ticket.close.v1": "请求办结",
    "ticket.urge.v1": "市民催办",
    "ticket.supplement.v1": "市民补充材料",
    "ticket.withdraw.v1": "市民撤回诉求",
    "ticket.reopen.v1": "办结后重新提出",
    "ticket.merge.v1": "热线办请求并单",
    "ticket.unmerge.v1": "热线办拆分并单",
    "merge.attach.v1": "从单请求并入主单",
    "merge.detach.v1": "从单脱离主单",
    "merge.answer.v1": "主单对并单的答复",
    "reply.share.v1": "主单答复同时答复从单",
    "extension.carry.v1": "主单延期次数计入从单",
    "measure.exclude.v1": "热线办剔除某段的考核计量",
    "appeal.request.v1": "承办单位申诉考核计量",
    "appeal.decide.v1": "热线办裁定考核申诉",
    "accountability.raise.v1": "热线办提出问责线索",
    "accountability.decide.v1": "热线办认定问责线索",
    "clock.signal.v1": "时钟告警(临期或到期)",
    "clock.pulse.v1": "时钟脉冲:现在几点",
    "ticket.opened.v1": "已立案",
    "ticket.diverted.v1": "紧急事项已转接(110、119、120、122)",
    "ticket.answered.v1": "已由知识库即时答复",
    "ticket.declined.v1": "不予受理,告知合法渠道",
    "refusal_review.requested.v1": "已申请不予受理复核",
    "refusal.upheld.v1": "复核维持不予受理",
    "refusal.overturned.v1": "复核撤销,予以受理",
    "ticket.held.v1": "非工作时间暂存,待上班派发",
    "ticket.queued.v1": "待人工派单",
    "ticket.dispatched.v1": "已派单",
    "ticket.redispatched.v1": "不满意合理,重新派办",
    "ticket.signed.v1": "已签收(含视同签收)",
    "return.requested.v1": "已申请退单",
    "return.upheld.v1": "退单成立",
    "return.refused.v1": "退单不成立",
    "co_handler.assigned.v1": "已指定协办单位",
    "co_reply.submitted.v1": "协办意见已提交,由主办单位汇总",
    "co_reply.rejected.v1": "协办意见退回,列明全部原因",
    "co_return.requested.v1": "协办单位已申请退出",
    "co_return.upheld.v1": "协办退出成立",
    "co_return.refused.v1": "协办退出不成立",
    "extension.requested.v1": "已申请延期",
    "extension.granted.v1": "延期已批准",
    "extension.refused.v1": "延期未批准",
    "suspension.requested.v1": "已申请挂起",
    "suspension.refused.v1": "挂起未批准",
    "ticket.suspended.v1": "已挂起,承办时限暂停",
    "ticket.resumed.v1": "已恢复办理,承办时限顺延",
    "reply.submitted.v1": "已答复,待审核",
    "reply.accepted.v1": "答复审核通过,进入回访",
    "reply.rejected.v1": "答复退回,列明全部原因",
    "call.logged.v1": "已登记三方通话",
    "contact.attempted.v1": "已联系市民一次",
    "rating.recorded.v1": "已记录评价",
    "dissatisfaction.judged.v1": "已认定不满意是否合理",
    "explanation.given.v1": "已解释说明",
    "ticket.urged.v1": "已记录催办",
    "ticket.repeated.v1": "办结后重复诉求,另立新单",
    "ticket.supplemented.v1": "已收到补充材料",
    "ticket.withdrawn.v1": "诉求已撤回",
    "ticket.reopened.v1": "已重新打开",
    "merge.requested.v1": "已请求并单(时限照走)",
    "merge.refused.v1": "并单未成,附原因",
    "merge.lapsed.v1": "并单请求已失效",
    "ticket.merged.v1": "已并单,由主单办理",
    "ticket.unmerged.v1": "已拆分,单独办理",
    "reply.shared.v1": "主单答复已送达从单,进入回访",
    "extension.carried.v1": "延期次数已随事项计入",
    "child.attached.v1": "从单已并入",
    "child.refused.v1": "不接受并单,附原因",
    "child.detached.v1": "从单已脱离",
    "ticket.closed.v1": "已办结(办结摘要)",
    "clock.at_risk.v1": "时限临近",
    "clock.breached.v1": "已超期",
    "clock.elapsed.v1": "窗口期结束(无人超期)",
    "deadline.revised.v1": "期限重算",
    "breach.withdrawn.v1": "超期认定撤回",
    "measure.excluded.v1": "考核计量已剔除,附理由",
    "appeal.requested.v1": "已申诉考核计量",
    "appeal.decided.v1": "考核申诉已裁定",
    "accountability.raised.v1": "热线办已提出问责线索",
    "accountability.decided.v1": "问责线索已由人认定",
    "command.refused.v1": "请求未被接受,附原因",
    "clock.pulsed.v1": "时钟脉冲已传递",
    "reminder.issued.v1": "督办提醒",
    "reminder.collected.v1": "提醒归入单位汇总(或撤出)",
    "digest.issued.v1": "督办汇总通知(每单位、每级、每时段一份)",
    "clock.pulse_relayed.v1": "时钟脉冲已转入按单位分区",
    "clock.pulse_measured.v1": "时钟脉冲已转入考核计量分区",
    "contact.requested.v1": "请求联系市民(回访任务)",
    "unit.measured.v1": "单位考核计量",
    "score.published.v1": "单位考核得分",
    "hot_issue.published.v1": "单位热点诉求(按周)",
    "accountability.noted.v1": "问责线索相关事项(按承办单位重分区)",
    "accountability.flagged.v1": "问责线索,由人判断",
    "watermark.published.v1": "服务消化进度(水位)",
    "feedback.received.v1": "上级平台已收到结果反馈",
    "feedback.abandoned.v1": "结果反馈重试用尽,转入死信",
    "pii.revealed.v1": "个人信息已查阅",
    "pii.refused.v1": "个人信息查阅被拒绝",
    "pii.erased.v1": "个人信息已删除",
}
"""What each event type is called in Chinese."""

COMMAND_WRITERS: Final[dict[str, tuple[str, ...]]] = {
    "clock.pulse.v1": ("clock",),
    "clock.signal.v1": ("sla-timer",),
    "reply.review.v1": ("revisit",),
    "ticket.close.v1": ("revisit",),
    "merge.attach.v1": ("revisit",),
    "merge.detach.v1": ("revisit",),
    "merge.answer.v1": ("revisit", "router"),
    "reply.share.v1": ("revisit",),
    "extension.carry.v1": ("revisit",),
    "ticket.open.v1": ("intake", "router"),
    "ticket.repeat.v1": ("intake", "router"),
}
"""Commands that the mesh itself writes; all others come through intake."""

_GROUPS: Final = (
    ("Upstream feed 上级来件", "What platforms hand down. The only topic with personal data in the clear.", UPSTREAM),
    ("Commands 请求", "What anyone wants to happen; the router alone reads them and decides.", COMMANDS),
    ("Facts 事实", "What did happen, gap-free per ticket; the router alone writes them.", FACTS),
    ("Supervision 督办与考核", "What reminder, revisit, scoring and the runtime say.", SUPERVISION),
    ("Result feedback 结果反馈", "What became of the results that were handed back to platforms.", FEEDBACK),
    ("Audit 审计", "Who read or erased personal data: `hotline pii`. No personal data is in it.", AUDIT),
)

_HEAD: Final = """\
<!-- Made by `python -m schemas generate` from schemas/*.py, schemas/topics and schemas/examples. Do not edit. -->
# Events 事件一览

Every record is a CloudEvent 1.0 in Kafka binary mode: attributes in `ce_*` headers, the event's own facts as JSON in
the value. How to consume them, and how to add one: [schemas/README.md](../schemas/README.md). Words:
[glossary.md](glossary.md). *Type* links to the JSON Schema of the value, *examples* to records as they lie on the
topic; *article* is the rule of the county's measures.
"""


def meaning(cls: type[Event]) -> str:
    """Give the first sentence of an event class's docstring, without the citation at its end."""
    first = (cls.__doc__ or "").strip().split("\n")[0]
    return re.sub(r" \(([^()]*Art\. [^)]*|[\u4e00-\u9fff]+)\)", "", first).rstrip(".")


def writer(name: str, topic: Topic) -> str:
    """Say who writes events of type `name` to `topic`."""
    if topic.role == "commands":
        return ", ".join(COMMAND_WRITERS.get(name, ("intake",)))
    return ", ".join(topic.writers)


def example_files() -> list[tuple[Path, dict[str, Any]]]:
    """Read every example, in the order of types and names."""
    order = list(BY_TYPE)
    paths = sorted(EXAMPLES.glob("*/*.json"), key=lambda p: (order.index(p.parent.name), p.name))
    return [(path, json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def articles(cls: type[Event], examples: list[dict[str, Any]]) -> str:
    """Give the numbers of the articles that the docstring of a class or an example of it cites."""
    cited = [cls.__doc__ or "", *(str(e["value"].get("article", "")) for e in examples)]
    numbers = re.findall(r"\d+", " ".join(re.findall(r"Art\. ([0-9]+(?:, [0-9]+)*)", " ".join(cited))))
    return ", ".join(sorted(set(numbers), key=int))


def _rows(classes: tuple[type[Event], ...], topics: dict[str, Topic]) -> Iterator[str]:
    yield "| type | meaning | 中文 | written by | topic | article | |"
    yield "|---|---|---|---|---|---|---|"
    examples = example_files()
    for cls in classes:
        name = type_of(cls)
        carrying = [topic for topic in topics.values() if name in topic.events]
        writers = ", ".join(dict.fromkeys(writer(name, topic) for topic in carrying))
        places = ", ".join(f"`{topic.name}`" for topic in carrying)
        link = f"[`{name}`](../schemas/json/{name}.schema.json)"
        cited = articles(cls, [example for path, example in examples if path.parent.name == name])
        yield (
            f"| {link} | {meaning(cls)} | {CHINESE[name]} | {writers} | {places} | {cited} "
            f"| [examples](../schemas/examples/{name}/) |"
        )


def _story() -> Iterator[str]:
    yield "## The life of one ticket 一张工单的一生"
    yield ""
    yield f"The facts of `{STORY}`, one file each, as they lie on `ticket-events` in the order of `ce_sequence`."
    yield "Times are local (Asia/Shanghai)."
    yield ""
    yield "| | when | fact | |"
    yield "|---|---|---|---|"
    facts = [(p, e) for p, e in example_files() if e["key"] == STORY and e["topic"] == "ticket-events"]
    for path, example in sorted(facts, key=lambda item: int(item[1]["headers"]["ce_sequence"])):
        local = datetime.fromisoformat(example["headers"]["ce_time"]).astimezone(ZONE)
        name, about = path.parent.name, example["about"].partition("). ")[2]
        link = f"[`{name}`](../schemas/examples/{name}/{path.name})"
        yield f"| {example['headers']['ce_sequence']} | {local:%a %Y-%m-%d %H:%M} | {link} | {about} |"


def page() -> str:
    """Give the text of `docs/events.md`."""
    topics = load()
    parts = [_HEAD]
    for title, about, classes in _GROUPS:
        parts.append("\n".join([f"## {title}", "", about, "", *_rows(classes, topics)]) + "\n")
    parts.append("\n".join(_story()) + "\n")
    return "\n".join(parts)

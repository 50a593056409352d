"""One fact in a sentence, in both languages: the rows of a ticket's timeline."""

from collections.abc import Callable
from typing import Any, Final

from schemas.facts import Fact
from services.core.directory import Directory, Unit
from services.demo.report_words import (
    CLOCKS,
    CONTACTS,
    DEFECTS,
    DISPATCH_REASONS,
    RATINGS,
    REFUSALS,
    RESOLUTIONS,
    RUNGS,
    Words,
    moment,
    words,
)

Teller = Callable[[Any, Directory], Words]


def unit_name(unit: str | None, directory: Directory) -> Words:
    """Give the name of a unit, its id when the directory does not know it."""
    found: Unit | None = directory.unit(unit) if unit else None
    return Words(found.name_zh, found.name_en) if found else Words(unit or "–", unit or "–")


def category_name(code: str, directory: Directory) -> Words:
    """Give the name of a category, its code when the directory does not know it."""
    found = directory.category(code)
    return Words(found.name_zh, found.name_en) if found else Words(code, code)


def _plain(zh: str, en: str) -> Teller:
    return lambda _fact, _directory: Words(zh, en)


def _dispatched(fact: Any, directory: Directory) -> Words:
    unit, why = unit_name(fact.unit, directory), words(DISPATCH_REASONS, fact.reason)
    if not fact.co_handlers:
        return Words(f"派往{unit.zh}({why.zh})", f"Dispatched to {unit.en}, {why.en}")
    names = [unit_name(other, directory) for other in fact.co_handlers]
    return Words(
        f"派往{unit.zh}({why.zh}),协办:{'、'.join(n.zh for n in names)}",
        f"Dispatched to {unit.en}, {why.en}, with {', '.join(n.en for n in names)}",
    )


def _joined(fact: Any, directory: Directory) -> Words:
    names = [unit_name(unit, directory) for unit in fact.co_handlers]
    return Words(f"指定协办:{'、'.join(n.zh for n in names)}", f"Co-handlers named: {', '.join(n.en for n in names)}")


def _of_co_handler(zh: str, en: str) -> Teller:
    def tell(fact: Any, directory: Directory) -> Words:
        unit = unit_name(fact.co_handler, directory)
        return Words(zh.format(unit.zh), en.format(unit.en))

    return tell


def _redispatched(fact: Any, directory: Directory) -> Words:
    unit = unit_name(fact.unit, directory)
    return Words(f"第{fact.round}次重办,再派{unit.zh}", f"Redo {fact.round}: dispatched again to {unit.en}")


def _return_requested(fact: Any, directory: Directory) -> Words:
    if fact.proposed_unit is None:
        return Words(f"申请退单({fact.reason})", f"Return requested ({fact.reason})")
    other = unit_name(fact.proposed_unit, directory)
    return Words(f"申请退单,建议改派{other.zh}", f"Return requested, {other.en} proposed")


def _granted(fact: Any, _directory: Directory) -> Words:
    old, new = moment(fact.old_due_at), moment(fact.new_due_at)
    return Words(
        f"第{fact.count}次延期获准:{old.zh} → {new.zh}", f"Extension {fact.count} granted, counted from the old due"
    )


def _revised(fact: Any, _directory: Directory) -> Words:
    old, new, clock = moment(fact.old_due_at), moment(fact.new_due_at), words(CLOCKS, fact.clock)
    return Words(f"期限重算({clock.zh}):{old.zh} → {new.zh}", f"{clock.en} decided again: a notice became known")


def _rejected(fact: Any, _directory: Directory) -> Words:
    found = [words(DEFECTS, defect) for defect in fact.defects]
    return Words(
        f"答复退回:{'、'.join(d.zh for d in found)}", f"Reply sent back: {', '.join(d.en for d in found)}"
    )  # fmt: skip


def _contacted(fact: Any, _directory: Directory) -> Words:
    channel, outcome = words(CONTACTS, fact.channel), words(CONTACTS, fact.outcome)
    return Words(
        f"第{fact.attempt}次回访({channel.zh}):{outcome.zh}",
        f"Contact attempt {fact.attempt} by {channel.en}: {outcome.en}",
    )


def _rated(fact: Any, _directory: Directory) -> Words:
    rating = words(RATINGS, fact.rating)
    return Words(f"评价:{rating.zh}", f"Rated: {rating.en}")


def _judged(fact: Any, _directory: Directory) -> Words:
    return (
        Words("认定不满意合理", "Dissatisfaction found justified")
        if fact.justified
        else Words("认定不满意不合理,由单位解释", "Dissatisfaction found unjustified: the unit explains")
    )


def _closed(fact: Any, _directory: Directory) -> Words:
    how, rating = words(RESOLUTIONS, fact.resolution), words(RATINGS, fact.rating)
    deemed = Words("(视同)", " (deemed)") if fact.deemed else Words("", "")
    return Words(f"办结:{how.zh},{rating.zh}{deemed.zh}", f"Closed {how.en}: {rating.en}{deemed.en}")


def _signed(fact: Any, _directory: Directory) -> Words:
    return Words("到时未签,视同签收", "Not signed in time: deemed signed") if fact.deemed else Words("签收", "Signed")


def _clock(zh: str, en: str) -> Teller:
    def tell(fact: Any, _directory: Directory) -> Words:
        clock = words(CLOCKS, fact.clock)
        return Words(zh.format(clock.zh), en.format(clock.en))

    return tell


def _at_risk(fact: Any, _directory: Directory) -> Words:
    rung, clock = words(RUNGS, fact.rung), words(CLOCKS, fact.clock)
    return Words(f"督办提醒({rung.zh}):{clock.zh}", f"Reminder, {clock.en.lower()}: {rung.en.lower()}")


def _breach_withdrawn(fact: Any, _directory: Directory) -> Words:
    clock, met = words(CLOCKS, fact.clock), moment(fact.met_at)
    return Words(f"撤回超期:{clock.zh}已于{met.zh}满足", f"Breach withdrawn: the {clock.en.lower()} was met in time")


def _refused(fact: Any, _directory: Directory) -> Words:
    why = words(REFUSALS, fact.code)
    return Words(f"请求未被接受({fact.command}):{why.zh}", f"Refused {fact.command}: {why.en}")


def _opened(fact: Any, directory: Directory) -> Words:
    category = category_name(fact.category, directory)
    return Words(f"立案:{category.zh}", f"On the record: {category.en}")


def _held(fact: Any, _directory: Directory) -> Words:
    release = moment(fact.release_at)
    return Words(f"非工作时间暂存,{release.zh} 派发", "Held off-hours until the opening")


TELLERS: Final[dict[str, Teller]] = {
    "ticket.opened.v1": _opened,
    "ticket.diverted.v1": lambda f, _d: Words(f"紧急事项,转接{f.call_number}", f"Emergency, sent to {f.call_number}"),
    "ticket.answered.v1": _plain("知识库即时答复", "Answered from the knowledge base"),
    "ticket.declined.v1": _plain("不予受理,告知合法渠道", "Declined; the lawful channel was named"),
    "refusal_review.requested.v1": _plain("申请复核不予受理", "The citizen contests the refusal"),
    "refusal.upheld.v1": _plain("复核维持不予受理", "The refusal is upheld"),
    "refusal.overturned.v1": _plain("复核撤销,予以受理", "The refusal is overturned: accepted"),
    "ticket.held.v1": _held,
    "ticket.queued.v1": _plain("转人工派单台", "To the manual desk"),
    "ticket.dispatched.v1": _dispatched,
    "ticket.redispatched.v1": _redispatched,
    "ticket.signed.v1": _signed,
    "return.requested.v1": _return_requested,
    "return.upheld.v1": _plain("退单成立", "Return upheld"),
    "return.refused.v1": _plain("退单不成立,原单位继续办理", "Return refused: the unit keeps the ticket"),
    "co_handler.assigned.v1": _joined,
    "co_reply.submitted.v1": _of_co_handler("{}提交协办意见", "{} handed in its part"),
    "co_reply.rejected.v1": _of_co_handler("{}的协办意见被退回", "The part of {} went back"),
    "co_return.requested.v1": _of_co_handler("{}申请退出协办", "{} asks to be let out"),
    "co_return.upheld.v1": _of_co_handler("{}退出协办", "{} is let out"),
    "co_return.refused.v1": _of_co_handler("{}须继续协办", "{} has to stay"),
    "extension.requested.v1": _plain("申请延期,时限照走", "Extension requested; no clock stops"),
    "extension.granted.v1": _granted,
    "extension.refused.v1": _plain("延期未批准", "Extension refused"),
    "suspension.requested.v1": _plain("申请挂起", "The unit asks to be suspended"),
    "suspension.refused.v1": _plain("挂起未批准", "Not suspended"),
    "ticket.suspended.v1": _plain("挂起,承办时限暂停", "Suspended: the unit's clock stands still"),
    "ticket.resumed.v1": _plain("恢复办理,时限顺延", "Resumed: the unit's limit moves on"),
    "reply.submitted.v1": _plain("提交答复", "Reply submitted"),
    "reply.accepted.v1": _plain("答复审核通过,进入回访", "Reply passed review; the revisit is open"),
    "reply.rejected.v1": _rejected,
    "call.logged.v1": lambda f, _d: Words(f"三方通话第{f.attempt}次", f"Three-way call {f.attempt}: {f.outcome}"),
    "contact.attempted.v1": _contacted,
    "rating.recorded.v1": _rated,
    "dissatisfaction.judged.v1": _judged,
    "explanation.given.v1": _plain("已耐心解释", "Explained patiently"),
    "ticket.urged.v1": lambda f, _d: Words(f"市民第{f.count}次催办", f"The citizen asks again ({f.count})"),
    "ticket.repeated.v1": _plain("同一事项再次来件,另立新单", "The same matter came again: a new ticket"),
    "ticket.supplemented.v1": _plain("市民补充材料", "The citizen adds to the matter"),
    "ticket.withdrawn.v1": _plain("市民撤回诉求", "Withdrawn by the citizen"),
    "ticket.reopened.v1": _plain("同一诉求重新打开", "The same matter came back: re-opened"),
    "merge.requested.v1": _plain("请求并单,时限照走", "To be merged; no clock stops until the other agrees"),
    "merge.refused.v1": lambda f, _d: Words(f"并单未成({f.code})", f"Not merged ({f.code})"),
    "merge.lapsed.v1": _plain("并单请求已失效", "The merging lapsed"),
    "ticket.merged.v1": _plain("已并单,由主单办理", "Merged: another ticket's handling answers for it"),
    "ticket.unmerged.v1": lambda f, _d: Words(f"拆分并单({f.reason})", f"Taken out again ({f.reason})"),
    "reply.shared.v1": _plain(
        "主单答复即本单答复,进入回访", "The reply of the handling is its reply; the revisit is open"
    ),
    "extension.carried.v1": _plain("延期次数随事项计入", "The extension counts for the matter"),
    "measure.excluded.v1": _plain("该项不计入考核", "Left out of the unit's assessment"),
    "appeal.requested.v1": _plain("承办单位申诉考核", "The unit appeals what counts against it"),
    "appeal.decided.v1": _plain("考核申诉已裁定", "The appeal is decided"),
    "accountability.raised.v1": _plain("提出问责线索,由人认定", "Flagged for a person to look at"),
    "accountability.decided.v1": _plain("问责线索已认定", "A person decided the flag"),
    "child.attached.v1": _plain("并入一张同一事项的工单", "Answers for another caller, too"),
    "child.refused.v1": lambda f, _d: Words(f"不接受并单({f.code})", f"Cannot answer for another ({f.code})"),
    "child.detached.v1": _plain("一张从单已脱离", "Lets another caller's ticket go"),
    "ticket.closed.v1": _closed,
    "clock.at_risk.v1": _at_risk,
    "clock.breached.v1": _clock("{}超期", "Breach: {}"),
    "clock.elapsed.v1": _clock("{}结束", "{} ended"),
    "breach.withdrawn.v1": _breach_withdrawn,
    "deadline.revised.v1": _revised,
    "command.refused.v1": _refused,
}
"""What each fact says in the timeline; a test holds that every fact has its teller."""


def tell(fact: Fact, directory: Directory) -> Words:
    """Say in a sentence what happened."""
    return TELLERS[fact.type](fact, directory)

"""The words of screen and report, Chinese and English; the Chinese ones are those of docs/glossary.md."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

LOCAL: Final = ZoneInfo("Asia/Shanghai")
WEEKDAYS_ZH: Final = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
WEEKDAYS_EN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Words(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str


KINDS: Final[Mapping[str, Words]] = {
    "consultation": Words("咨询", "Consultation"),
    "help": Words("求助", "Help"),
    "suggestion": Words("建议", "Suggestion"),
    "complaint": Words("投诉", "Complaint"),
    "report": Words("举报", "Report"),
    "enforcement": Words("执法事项", "Enforcement"),
}
STAGES: Final[Mapping[str, Words]] = {
    "opened": Words("已立案", "Opened"),
    "held": Words("暂存", "Held until opening"),
    "queued": Words("待派", "Manual desk"),
    "dispatched": Words("待签收", "Dispatched, unsigned"),
    "in_progress": Words("办理中", "In progress"),
    "suspended": Words("挂起", "Suspended"),
    "disputed": Words("退单待裁定", "Return disputed"),
    "replied": Words("答复待审", "Reply in review"),
    "revisiting": Words("回访中", "Revisiting"),
    "judging": Words("认定中", "Judging"),
    "explaining": Words("解释中", "Explaining"),
    "explained": Words("已解释", "Explained"),
    "merged": Words("已并单", "Merged"),
    "diverted": Words("已转接", "Diverted"),
    "answered": Words("已直答", "Answered at once"),
    "declined": Words("未受理", "Declined"),
    "contested": Words("不予受理复核中", "Refusal contested"),
    "withdrawn": Words("已撤回", "Withdrawn"),
    "closed": Words("已办结", "Closed"),
}
CLOCKS: Final[Mapping[str, Words]] = {
    "release": Words("待发窗口", "Release window"),
    "dispatch": Words("派单时限", "Dispatch limit"),
    "refusal_review": Words("不予受理复核时限", "Refusal review limit"),
    "sign": Words("签收时限", "Sign limit"),
    "return": Words("退单窗口", "Return window"),
    "handle": Words("办理时限", "Handling limit (unit)"),
    "suspension": Words("挂起期", "Suspension"),
    "co_handle": Words("协办时限", "Co-handling limit"),
    "case": Words("诉求时限", "Case limit (citizen)"),
    "adjudicate": Words("裁定时限", "Adjudication limit"),
    "rating": Words("评价窗口", "Rating window"),
    "judge": Words("认定时限", "Judging limit"),
    "explain": Words("解释时限", "Explanation limit"),
    "appeal": Words("考核申诉裁定时限", "Appeal limit"),
}
RUNGS: Final[Mapping[str, Words]] = {
    "half": Words("时限过半", "Half of the limit used"),
    "four_fifths": Words("时限用去八成", "80 % of the limit used"),
    "near_due": Words("即将到期", "Near due"),
    "overdue": Words("已超期", "Overdue"),
    "overdue_daily": Words("超期每日提醒", "Overdue, daily"),
    "escalated": Words("提级督办", "Escalated to the leader"),
    "urged": Words("群众催办", "Urged by the citizen"),
}
STEPS: Final[Mapping[str, Words]] = {
    "accepted": Words("受理", "Accepted"),
    "dispatched": Words("派单", "Dispatched"),
    "signed": Words("签收", "Signed"),
    "replied": Words("答复", "Replied"),
    "revisited": Words("回访", "Revisited"),
    "closed": Words("办结", "Closed"),
}
ENDS: Final[Mapping[str, Words]] = {
    "closed": Words("办结", "closed"),
    "open": Words("在办", "open"),
    "diverted": Words("转接", "diverted"),
    "answered": Words("直答", "answered"),
    "declined": Words("未受理", "declined"),
    "withdrawn": Words("撤回", "withdrawn"),
    "dead_letters": Words("死信", "dead letters"),
}
"""The terms of the account, in the order of the equation."""
PUNCTUALITY: Final[Mapping[str, Words]] = {
    "on_time": Words("按时", "On time"),
    "late": Words("逾期答复", "Late"),
    "open_in_time": Words("在办未到期", "Open, in time"),
    "open_overdue": Words("在办已超期", "Open, overdue"),
}
OUTCOMES: Final[Mapping[str, Words]] = {
    "met": Words("按时", "Met"),
    "late": Words("逾期", "Late"),
    "cancelled": Words("取消", "Cancelled"),
    "paused": Words("挂起", "Paused"),
    "running": Words("运行中", "Running"),
}
RATINGS: Final[Mapping[str, Words]] = {
    "satisfied": Words("满意", "satisfied"),
    "basically_satisfied": Words("基本满意", "basically satisfied"),
    "dissatisfied": Words("不满意", "dissatisfied"),
}
CONTACTS: Final[Mapping[str, Words]] = {
    "answered": Words("已接通", "reached"),
    "no_answer": Words("无人接听", "no answer"),
    "refused": Words("拒绝回访", "refused"),
    "wrong_number": Words("号码有误", "wrong number"),
    "phone": Words("电话", "phone"),
    "sms": Words("短信", "SMS"),
}
RESOLUTIONS: Final[Mapping[str, Words]] = {
    "rated": Words("评价办结", "on a rating"),
    "deemed": Words("视同满意办结", "deemed, on silence"),
    "explained": Words("解释办结", "after an explanation"),
    "office_decision": Words("热线办决定办结", "by decision of the office"),
}
DISPATCH_REASONS: Final[Mapping[str, Words]] = {
    "routed": Words("按目录派发", "by the directory"),
    "released": Words("上班后派发", "released at the opening"),
    "assigned": Words("人工派发", "by the manual desk"),
    "return_upheld": Words("退单成立改派", "after an upheld return"),
    "adjudicated": Words("裁定派发", "adjudicated, no further return"),
}
DEFECTS: Final[Mapping[str, Words]] = {
    "no_handler": Words("缺经办人", "no handler"),
    "no_responsible_person": Words("缺责任人", "no responsible person"),
    "points_unanswered": Words("诉求点未答全", "points unanswered"),
    "refusal_without_basis": Words("拒绝无依据", "refusal without basis"),
    "template_repeated": Words("模板重复", "template repeated"),
    "empty_phrases": Words("空话套话", "empty phrases"),
    "promise_without_result": Words("只承诺无结果", "promise without result"),
    "late_dated": Words("倒签日期", "late-dated"),
}
FLAGS: Final[Mapping[str, Words]] = {
    "late_handling": Words("办理逾期较多", "late handling"),
    "returned_again_and_again": Words("工单反复退回", "tickets returned again and again"),
    "ineffective_handling": Words("办理不力", "ineffective handling"),
    "poor_coordination": Words("配合不力", "poor coordination"),
    "false_reply": Words("虚假或敷衍答复", "false or empty replies"),
    "public_opinion": Words("引发舆情", "bad public opinion"),
    "leak": Words("泄密", "a leak"),
    "shifting_responsibility": Words("推诿扯皮", "shifting responsibility"),
    "other": Words("其他", "something else"),
}
REFUSALS: Final[Mapping[str, Words]] = {
    "already-signed": Words("已签收", "already signed"),
    "already-rated": Words("已评价", "already rated"),
    "return-window-over": Words("退单窗口已过", "return window over"),
    "no-further-return": Words("不得再次退单", "no further return"),
    "unknown-unit": Words("无此单位", "unknown unit"),
    "name-a-unit": Words("须指明承办单位", "a unit must be named"),
    "no-further-extension": Words("延期次数已用完", "no further extension"),
    "co-handlers-outstanding": Words("协办意见未到齐", "co-handlers still owe their parts"),
    "not-a-co-handler": Words("不是协办单位", "not a co-handler"),
    "extension-pending": Words("延期申请待批", "an extension is pending"),
    "no-extension-requested": Words("未申请延期", "no extension requested"),
    "deadline-passed": Words("期限已过", "deadline passed"),
    "not-the-responsible-unit": Words("非承办单位", "not the unit responsible"),
    "not-entitled": Words("无权操作", "not entitled"),
    "rating-window-over": Words("评价窗口已过", "rating window over"),
    "reopen-window-over": Words("重开期限已过", "re-open window over"),
    "conditions-not-met": Words("不符合办结条件", "conditions not met"),
    "not-the-opening-record": Words("非立案来件,系催办", "another record opened the ticket"),
    "attempt-out-of-order": Words("回访次序有误", "attempt out of order"),
}
DEAD_LETTER_CODES: Final[Mapping[str, Words]] = {
    "oversized": Words("超过大小上限", "too big"),
    "missing-header": Words("缺少事件头", "header missing"),
    "bad-header": Words("事件头有误", "bad header"),
    "unknown-type": Words("未知类型", "unknown type"),
    "unknown-version": Words("未知版本", "unknown version"),
    "empty-value": Words("内容为空", "empty"),
    "not-json": Words("不是 JSON", "not JSON in UTF-8"),
    "invalid-field": Words("字段不合规", "invalid field"),
    "unknown-ticket": Words("无此工单", "unknown ticket"),
    "unexpected-type": Words("类型不属于本主题", "type out of place"),
    "key-mismatch": Words("键与工单不符", "key mismatch"),
    "missing-subject": Words("未指明工单", "ticket not named"),
    "sequence-gap": Words("序号不连续", "sequence gap"),
}


def words(book: Mapping[str, Words], code: str) -> Words:
    """Give the words of a code; a code that is not in the book speaks for itself."""
    if code.startswith("not-in-stage-"):
        stage = words(STAGES, code.removeprefix("not-in-stage-"))
        return Words(f"当前状态({stage.zh})不允许", f"not possible while {stage.en.lower()}")
    return book.get(code, Words(code, code))


def local(at: datetime) -> datetime:
    """Give an instant in local time."""
    return at.astimezone(LOCAL)


def moment(at: datetime) -> Words:
    """Give an instant in local time with its weekday, to the minute."""
    here = local(at)
    day = here.weekday()
    return Words(f"{here:%m-%d} {WEEKDAYS_ZH[day]} {here:%H:%M}", WEEKDAYS_EN[day])


def span(length: timedelta) -> Words:
    """Give a length of time in its two largest units."""
    minutes = int(length.total_seconds() // 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return Words(f"{days}天{hours}小时", f"{days} d {hours} h")
    return Words(f"{hours}小时{rest}分", f"{hours} h {rest} min") if hours else Words(f"{rest}分", f"{rest} min")


def percent(rate: float | None) -> str:
    """Give a percentage with one decimal, a dash when nothing counted; 100 only if it is exactly 100."""
    if rate is None:
        return "–"
    return f"{min(rate, 99.9) if rate < 100 else rate:.1f} %"

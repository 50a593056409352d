"""The sentences of an explanation, in English and Chinese."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from schemas.values import LimitOverride
from schemas.vocabulary import ClockKind
from services.core.calendar import WorkCalendar
from services.core.explain.model import Text
from services.core.policy import Policy

WEEKDAYS: Final = ("一", "二", "三", "四", "五", "六", "日")
UNITS: Final[dict[str, Callable[[int], Text]]] = {
    "working_days": lambda n: Text(en=f"{n} working day{'s' * (n > 1)}", zh=f"{n}个工作日"),
    "working_hours": lambda n: Text(en=f"{n} working hour{'s' * (n > 1)}", zh=f"{n}个工作小时"),
    "hours": lambda n: Text(en=f"{n} hour{'s' * (n > 1)} of wall clock", zh=f"{n}小时(自然时间)"),
}
CONSEQUENCES: Final[dict[ClockKind, Text]] = {
    ClockKind.RELEASE: Text(en="the ticket goes out to its unit", zh="派发承办单位"),
    ClockKind.DISPATCH: Text(en="the office is late in dispatching", zh="热线办派单超时"),
    ClockKind.REFUSAL_REVIEW: Text(en="the office is late in reviewing the refusal", zh="热线办复核不予受理超时"),
    ClockKind.SIGN: Text(en="the unit is late in signing; the ticket is deemed signed", zh="签收超时,视同签收"),
    ClockKind.RETURN: Text(en="the unit can no longer return the ticket", zh="退单期届满,不得再退单"),
    ClockKind.HANDLE: Text(en="the unit is late in replying", zh="承办单位办理超时"),
    ClockKind.SUSPENSION: Text(en="the unit's clock runs on", zh="挂起期满,恢复计时"),
    ClockKind.CO_HANDLE: Text(en="the co-handler is late with its part", zh="协办单位超时"),
    ClockKind.CASE: Text(en="the citizen's own limit is missed", zh="工单总时限超时"),
    ClockKind.ADJUDICATE: Text(en="the office is late in deciding the return", zh="热线办裁定超时"),
    ClockKind.RATING: Text(en="no rating: deemed basically satisfied", zh="逾期未评价,视为基本满意"),
    ClockKind.JUDGE: Text(en="the office is late in judging the dissatisfaction", zh="热线办认定超时"),
    ClockKind.EXPLAIN: Text(en="the unit is late in explaining", zh="承办单位解释超时"),
    ClockKind.APPEAL: Text(en="the office is late in deciding the appeal", zh="热线办申诉裁定超时"),
}
CLOCKS: Final[dict[ClockKind, Text]] = {
    ClockKind.RELEASE: Text(en="release", zh="暂存放行"),
    ClockKind.DISPATCH: Text(en="dispatch", zh="派单"),
    ClockKind.REFUSAL_REVIEW: Text(en="review of the refusal", zh="不予受理复核"),
    ClockKind.SIGN: Text(en="sign", zh="签收"),
    ClockKind.RETURN: Text(en="return window", zh="退单期"),
    ClockKind.HANDLE: Text(en="handle", zh="办理(单位)"),
    ClockKind.SUSPENSION: Text(en="suspension", zh="挂起"),
    ClockKind.CO_HANDLE: Text(en="co-handle", zh="协办"),
    ClockKind.CASE: Text(en="case", zh="办理(工单)"),
    ClockKind.ADJUDICATE: Text(en="adjudicate", zh="退单裁定"),
    ClockKind.RATING: Text(en="rating window", zh="评价期"),
    ClockKind.JUDGE: Text(en="judge", zh="不满意认定"),
    ClockKind.EXPLAIN: Text(en="explain", zh="解释"),
    ClockKind.APPEAL: Text(en="appeal", zh="考核申诉裁定"),
}


def local_en(at: datetime, calendar: WorkCalendar) -> str:
    """Give an instant as local time with its weekday, for instance `Wed 2026-09-16 20:10`."""
    local = at.astimezone(calendar.zone)
    return f"{local:%a %Y-%m-%d %H:%M}" + (f":{local:%S}" if local.second else "")


def local_zh(at: datetime, calendar: WorkCalendar) -> str:
    """Give an instant as local time with its weekday, for instance `2026-09-16 周三 20:10`."""
    local = at.astimezone(calendar.zone)
    return f"{local:%Y-%m-%d} 周{WEEKDAYS[local.weekday()]} {local:%H:%M}" + (f":{local:%S}" if local.second else "")


def _of_day(at: datetime, calendar: WorkCalendar) -> Text:
    reason = calendar.explain_day(at.astimezone(calendar.zone).date())
    return Text(en=reason.name_en, zh=reason.name_zh)


def instant(at: datetime, calendar: WorkCalendar) -> Text:
    """The result."""
    return Text(en=f"Due {local_en(at, calendar)}.", zh=f"到期 {local_zh(at, calendar)}。")


def off_hours(at: datetime, calendar: WorkCalendar) -> Text:
    """It came outside office hours."""
    day = _of_day(at, calendar)
    return Text(
        en=f"{local_en(at, calendar)} lies outside office hours ({day.en}).",
        zh=f"{local_zh(at, calendar)} 为非办公时间({day.zh})。",
    )


def next_opening(at: datetime, calendar: WorkCalendar) -> Text:
    """The office opens next at that instant."""
    return Text(en=f"The office opens next on {local_en(at, calendar)}.", zh=f"下一次上班:{local_zh(at, calendar)}。")


def same_day(at: datetime, calendar: WorkCalendar) -> Text:
    """It came in office time: out the same day."""
    return Text(
        en=f"{local_en(at, calendar)} lies in office time: out by the close of that day.",
        zh=f"{local_zh(at, calendar)} 为工作时间:当日下班前派出。",
    )


def start_day(at: datetime, calendar: WorkCalendar) -> Text:
    """The day of start does not count."""
    return Text(
        en=f"Starts {local_en(at, calendar)}; that day does not count (Civil Code 201).",
        zh=f"自 {local_zh(at, calendar)} 起算,开始当日不计入(民法典第201条)。",
    )


def counted(start: datetime, limit: Text, end: datetime, calendar: WorkCalendar) -> Text:
    """The limit leads from start to end."""
    return Text(
        en=f"{limit.en} from {local_en(start, calendar)} lead to {local_en(end, calendar)}.",
        zh=f"自 {local_zh(start, calendar)} 起{limit.zh},至 {local_zh(end, calendar)}。",
    )


def day_end(policy: Policy, end: datetime) -> Text:
    """When on its last day a limit ends."""
    local = f"{end.astimezone(policy.calendar.zone):%H:%M}"
    match policy.rulebook.day_end:
        case "close_of_office":
            return Text(
                en=f"On its last day it ends at the close of office, {local} (Civil Code 203).",
                zh=f"最后一日截至下班时间 {local}(民法典第203条)。",
            )
        case "same_time":
            return Text(
                en=f"On its last day it ends at the time of day of its start, {local}.",
                zh=f"最后一日截至起算时刻 {local}。",
            )
        case _:
            return Text(en="On its last day it ends at 24:00.", zh="最后一日截至24时。")


def worked(day: date, start: datetime, end: datetime, calendar: WorkCalendar) -> Text:
    """The stretches of office hours of a day that lie between start and end."""
    stretches = []
    total = 0
    for opens, closes in calendar.office_hours(day):
        first, last = max(opens, start), min(closes, end)
        if first < last:
            total += int((last - first).total_seconds())
            stretches.append(f"{_clock(first, calendar)}-{_clock(last, calendar)}")
    said = f"{', '.join(stretches)} = {_span(total)}"
    return Text(
        en=f"{day:%a %Y-%m-%d}: {said} h of office time.", zh=f"{day} 周{WEEKDAYS[day.weekday()]}:办公时间 {said}。"
    )


def _clock(at: datetime, calendar: WorkCalendar) -> str:
    local = at.astimezone(calendar.zone)
    return f"{local:%H:%M}" + (f":{local:%S}" if local.second else "")


def on_day_off(at: datetime, moved: datetime, calendar: WorkCalendar) -> Text:
    """The end of a window moved off a day off (Art. 7)."""
    day = _of_day(at, calendar)
    return Text(
        en=f"{local_en(at, calendar)} is a day off ({day.en}): moved to {local_en(moved, calendar)}.",
        zh=f"{local_zh(at, calendar)} 为休息日({day.zh}),顺延至 {local_zh(moved, calendar)}。",
    )


def _span(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds % 3600 // 60:02}" + (f":{seconds % 60:02}" if seconds % 60 else "")


def stood_still(since: datetime, until: datetime, seconds: int, calendar: WorkCalendar) -> Text:
    """The clock stood still: nights, breaks and days off within count once, as none."""
    return Text(
        en=f"Stood still from {local_en(since, calendar)} to {local_en(until, calendar)}: {_span(seconds)} h of the "
        "time that it counts.",
        zh=f"自 {local_zh(since, calendar)} 至 {local_zh(until, calendar)} 挂起,计时 {_span(seconds)} 小时不计入。",
    )


def moved_on(old: datetime, new: datetime, calendar: WorkCalendar) -> Text:
    """A due instant moved by the time for which the clock stood still."""
    return Text(
        en=f"So {local_en(old, calendar)} moves to {local_en(new, calendar)}.",
        zh=f"到期由 {local_zh(old, calendar)} 顺延至 {local_zh(new, calendar)}。",
    )


def capped(at: datetime, calendar: WorkCalendar) -> Text:
    """An extension never shortens."""
    return Text(
        en=f"The old limit ends later and stays: {local_en(at, calendar)}.",
        zh=f"原时限更晚,保留:{local_zh(at, calendar)}。",
    )


def unchanged(at: datetime, calendar: WorkCalendar) -> Text:
    """The clock goes on as it was."""
    return Text(en=f"Goes on as before: due {local_en(at, calendar)}.", zh=f"继续计时,{local_zh(at, calendar)} 到期。")


def not_into_the_past(at: datetime, calendar: WorkCalendar) -> Text:
    """A due instant is never moved to where nobody can meet it any more."""
    return Text(
        en=f"That had passed before the notice was known, so the old date stays: {local_en(at, calendar)}.",
        zh=f"该时间在通知知悉前已过,保留原时限:{local_zh(at, calendar)}。",
    )


def override_days(override: LimitOverride) -> Text:
    """Law or a superior order sets another number of days (Art. 8)."""
    return Text(
        en=f"Set by {override.legal_basis}, instead of the table.", zh=f"依据 {override.legal_basis},不适用一般时限。"
    )


def by_statute(legal_basis: str) -> Text:
    """Law sets the limit of the category (Art. 8)."""
    return Text(
        en=f"{legal_basis} sets the limit of this category, instead of the table.",
        zh=f"该类事项时限由 {legal_basis} 规定,不适用一般时限。",
    )


def of_law(override: LimitOverride, calendar: WorkCalendar) -> Text:
    """Law or a superior order sets the instant (Art. 8)."""
    at = override.due_at
    if at is None:
        return override_days(override)
    return Text(
        en=f"Set to {local_en(at, calendar)} by {override.legal_basis}.",
        zh=f"依据 {override.legal_basis},时限为 {local_zh(at, calendar)}。",
    )


def for_joining(lead: datetime, time: Text, at: datetime, calendar: WorkCalendar) -> Text:
    """The lead unit needs some time to join the parts (Art. 3)."""
    return Text(
        en=f"The lead unit owes its reply by {local_en(lead, calendar)}; parts are due {time.en} before: "
        f"{local_en(at, calendar)}.",
        zh=f"主办单位时限 {local_zh(lead, calendar)},协办意见提前{time.zh}:{local_zh(at, calendar)}。",
    )


def with_lead(lead: datetime, calendar: WorkCalendar) -> Text:
    """Too little time is left to join the parts."""
    return Text(
        en=f"Too little time is left before the lead unit's due instant: due with it, {local_en(lead, calendar)}.",
        zh=f"距主办单位时限不足,与其同时到期:{local_zh(lead, calendar)}。",
    )


def goes_on(at: datetime, calendar: WorkCalendar) -> Text:
    """The clock of a ticket that was merged goes on when it is taken out: it never starts again (Art. 8)."""
    return Text(
        en=f"It goes on as it stood before the merging, due {local_en(at, calendar)}.",
        zh=f"拆分后沿用并单前的时限:{local_zh(at, calendar)}。",
    )


def hand_back(upstream: datetime, buffer: Text, at: datetime, calendar: WorkCalendar) -> Text:
    """The superior platform's own due instant is earlier (Art. 4)."""
    return Text(
        en=f"The superior platform wants it by {local_en(upstream, calendar)}; {buffer.en} before: "
        f"{local_en(at, calendar)}, which is earlier.",
        zh=f"上级平台时限 {local_zh(upstream, calendar)},提前{buffer.zh}为 {local_zh(at, calendar)},以较早者为准。",
    )


def no_hand_back(upstream: datetime, calendar: WorkCalendar) -> Text:
    """The superior platform's own due instant is earlier, and so near that no time is left to hand back (Art. 4)."""
    return Text(
        en=f"The superior platform wants it by {local_en(upstream, calendar)}, which is earlier; too little time is "
        "left to be done before that.",
        zh=f"上级平台时限 {local_zh(upstream, calendar)} 更早,且不足以提前办结,以该时限为准。",
    )

"""The sentences of an explanation, word for word in both languages: they are what a person gets to read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from schemas.values import LimitOverride
from services.core.calendar import WorkCalendar
from services.core.explain import words
from services.core.explain.model import Text
from services.core.policy import Policy
from tests.builders import at

FROM, TO = at("Wed 2026-09-16 20:10"), at("Sun 2026-09-20 18:00:05")
HOLIDAY = at("Thu 2026-10-01 09:00")
TWO_HOURS = words.UNITS["working_hours"](2)


@pytest.fixture(scope="module")
def calendar(policy: Policy) -> WorkCalendar:
    return policy.calendar


@pytest.mark.parametrize(
    ("say", "en", "zh"),
    [
        (lambda c: words.instant(FROM, c), "Due Wed 2026-09-16 20:10.", "到期 2026-09-16 周三 20:10。"),
        (lambda c: words.instant(TO, c), "Due Sun 2026-09-20 18:00:05.", "到期 2026-09-20 周日 18:00:05。"),
        (
            lambda c: words.off_hours(HOLIDAY, c),
            "Thu 2026-10-01 09:00 lies outside office hours (National Day).",
            "2026-10-01 周四 09:00 为非办公时间(国庆节)。",
        ),
        (  # 20:00 in UTC: the day is the county's
            lambda c: words.off_hours(at("Thu 2026-10-01 04:00"), c),
            "Thu 2026-10-01 04:00 lies outside office hours (National Day).",
            "2026-10-01 周四 04:00 为非办公时间(国庆节)。",
        ),
        (
            lambda c: words.off_hours(at("Wed 2026-09-30 23:00"), c),
            "Wed 2026-09-30 23:00 lies outside office hours (Working day).",
            "2026-09-30 周三 23:00 为非办公时间(工作日)。",
        ),
        (
            lambda c: words.next_opening(FROM, c),
            "The office opens next on Wed 2026-09-16 20:10.",
            "下一次上班:2026-09-16 周三 20:10。",
        ),
        (
            lambda c: words.same_day(FROM, c),
            "Wed 2026-09-16 20:10 lies in office time: out by the close of that day.",
            "2026-09-16 周三 20:10 为工作时间:当日下班前派出。",
        ),
        (
            lambda c: words.start_day(FROM, c),
            "Starts Wed 2026-09-16 20:10; that day does not count (Civil Code 201).",
            "自 2026-09-16 周三 20:10 起算,开始当日不计入(民法典第201条)。",
        ),
        (
            lambda c: words.counted(FROM, TWO_HOURS, TO, c),
            "2 working hours from Wed 2026-09-16 20:10 lead to Sun 2026-09-20 18:00:05.",
            "自 2026-09-16 周三 20:10 起2个工作小时,至 2026-09-20 周日 18:00:05。",
        ),
        (
            lambda c: words.on_day_off(HOLIDAY, TO, c),
            "Thu 2026-10-01 09:00 is a day off (National Day): moved to Sun 2026-09-20 18:00:05.",
            "2026-10-01 周四 09:00 为休息日(国庆节),顺延至 2026-09-20 周日 18:00:05。",
        ),
        (
            lambda c: words.stood_still(FROM, TO, 3600 + 62 * 60 + 5, c),
            "Stood still from Wed 2026-09-16 20:10 to Sun 2026-09-20 18:00:05: 2:02:05 h of the time that it counts.",
            "自 2026-09-16 周三 20:10 至 2026-09-20 周日 18:00:05 挂起,计时 2:02:05 小时不计入。",
        ),
        (
            lambda c: words.stood_still(FROM, TO, 59 * 60, c),
            "Stood still from Wed 2026-09-16 20:10 to Sun 2026-09-20 18:00:05: 0:59 h of the time that it counts.",
            "自 2026-09-16 周三 20:10 至 2026-09-20 周日 18:00:05 挂起,计时 0:59 小时不计入。",
        ),
        (
            lambda c: words.stood_still(FROM, TO, 3600, c),
            "Stood still from Wed 2026-09-16 20:10 to Sun 2026-09-20 18:00:05: 1:00 h of the time that it counts.",
            "自 2026-09-16 周三 20:10 至 2026-09-20 周日 18:00:05 挂起,计时 1:00 小时不计入。",
        ),
        (
            lambda c: words.stood_still(FROM, TO, 3600 + 3 * 60 + 6, c),
            "Stood still from Wed 2026-09-16 20:10 to Sun 2026-09-20 18:00:05: 1:03:06 h of the time that it counts.",
            "自 2026-09-16 周三 20:10 至 2026-09-20 周日 18:00:05 挂起,计时 1:03:06 小时不计入。",
        ),
        (
            lambda c: words.moved_on(FROM, TO, c),
            "So Wed 2026-09-16 20:10 moves to Sun 2026-09-20 18:00:05.",
            "到期由 2026-09-16 周三 20:10 顺延至 2026-09-20 周日 18:00:05。",
        ),
        (
            lambda c: words.capped(FROM, c),
            "The old limit ends later and stays: Wed 2026-09-16 20:10.",
            "原时限更晚,保留:2026-09-16 周三 20:10。",
        ),
        (
            lambda c: words.unchanged(FROM, c),
            "Goes on as before: due Wed 2026-09-16 20:10.",
            "继续计时,2026-09-16 周三 20:10 到期。",
        ),
        (
            lambda c: words.not_into_the_past(FROM, c),
            "That had passed before the notice was known, so the old date stays: Wed 2026-09-16 20:10.",
            "该时间在通知知悉前已过,保留原时限:2026-09-16 周三 20:10。",
        ),
        (
            lambda _: words.by_statute("信访工作条例"),
            "信访工作条例 sets the limit of this category, instead of the table.",
            "该类事项时限由 信访工作条例 规定,不适用一般时限。",
        ),
        (
            lambda _: words.override_days(LimitOverride(working_days=7, legal_basis="信访条例")),
            "Set by 信访条例, instead of the table.",
            "依据 信访条例,不适用一般时限。",
        ),
        (
            lambda c: words.of_law(LimitOverride(due_at=FROM, legal_basis="县长批示"), c),
            "Set to Wed 2026-09-16 20:10 by 县长批示.",
            "依据 县长批示,时限为 2026-09-16 周三 20:10。",
        ),
        (
            lambda c: words.of_law(LimitOverride(working_days=7, legal_basis="信访条例"), c),
            "Set by 信访条例, instead of the table.",
            "依据 信访条例,不适用一般时限。",
        ),
        (
            lambda c: words.for_joining(TO, TWO_HOURS, FROM, c),
            "The lead unit owes its reply by Sun 2026-09-20 18:00:05; parts are due 2 working hours before: "
            "Wed 2026-09-16 20:10.",
            "主办单位时限 2026-09-20 周日 18:00:05,协办意见提前2个工作小时:2026-09-16 周三 20:10。",
        ),
        (
            lambda c: words.with_lead(FROM, c),
            "Too little time is left before the lead unit's due instant: due with it, Wed 2026-09-16 20:10.",
            "距主办单位时限不足,与其同时到期:2026-09-16 周三 20:10。",
        ),
        (
            lambda c: words.goes_on(FROM, c),
            "It goes on as it stood before the merging, due Wed 2026-09-16 20:10.",
            "拆分后沿用并单前的时限:2026-09-16 周三 20:10。",
        ),
        (
            lambda c: words.hand_back(TO, TWO_HOURS, FROM, c),
            "The superior platform wants it by Sun 2026-09-20 18:00:05; 2 working hours before: Wed 2026-09-16 20:10, "
            "which is earlier.",
            "上级平台时限 2026-09-20 周日 18:00:05,提前2个工作小时为 2026-09-16 周三 20:10,以较早者为准。",
        ),
        (
            lambda c: words.no_hand_back(FROM, c),
            "The superior platform wants it by Wed 2026-09-16 20:10, which is earlier; too little time is left to be "
            "done before that.",
            "上级平台时限 2026-09-16 周三 20:10 更早,且不足以提前办结,以该时限为准。",
        ),
    ],
)
def test_a_sentence_reads_like_this(
    calendar: WorkCalendar, say: Callable[[WorkCalendar], Text], en: str, zh: str
) -> None:
    assert Text(en=en, zh=zh) == say(calendar)


@pytest.mark.parametrize(
    ("rule", "en", "zh"),
    [
        (
            "close_of_office",
            "On its last day it ends at the close of office, 18:00 (Civil Code 203).",
            "最后一日截至下班时间 18:00(民法典第203条)。",
        ),
        (
            "same_time",
            "On its last day it ends at the time of day of its start, 18:00.",
            "最后一日截至起算时刻 18:00。",
        ),
        ("midnight", "On its last day it ends at 24:00.", "最后一日截至24时。"),
    ],
)
def test_the_end_of_the_last_day_is_named_as_the_rulebook_has_it(policy: Policy, rule: str, en: str, zh: str) -> None:
    ruled = replace(policy, rulebook=policy.rulebook.model_copy(update={"day_end": rule}))
    assert Text(en=en, zh=zh) == words.day_end(ruled, TO)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("Wed 2026-09-16 08:00", "Wed 2026-09-16 20:00", "08:30-12:00, 14:30-18:00 = 7:00"),
        ("Wed 2026-09-16 10:59:58", "Wed 2026-09-16 13:00", "10:59:58-12:00 = 1:00:02"),
        ("Wed 2026-09-16 11:00", "Wed 2026-09-16 15:31", "11:00-12:00, 14:30-15:31 = 2:01"),
        ("Wed 2026-09-16 11:01", "Wed 2026-09-16 14:30", "11:01-12:00 = 0:59"),
        ("Wed 2026-09-16 12:00", "Wed 2026-09-16 14:30:01", "14:30-14:30:01 = 0:00:01"),
    ],
)
def test_a_day_gives_the_stretches_that_lie_between_start_and_end_and_their_sum(
    calendar: WorkCalendar, start: str, end: str, said: str
) -> None:
    assert Text(
        en=f"Wed 2026-09-16: {said} h of office time.", zh=f"2026-09-16 周三:办公时间 {said}。"
    ) == words.worked(date(2026, 9, 16), at(start), at(end), calendar)


@pytest.mark.parametrize(
    ("unit", "one", "two"),
    [
        ("working_days", ("1 working day", "1个工作日"), ("2 working days", "2个工作日")),
        ("working_hours", ("1 working hour", "1个工作小时"), ("2 working hours", "2个工作小时")),
        ("hours", ("1 hour of wall clock", "1小时(自然时间)"), ("2 hours of wall clock", "2小时(自然时间)")),
    ],
)
def test_one_of_a_unit_is_no_plural(unit: str, one: tuple[str, str], two: tuple[str, str]) -> None:
    assert [one, two] == [(said.en, said.zh) for said in (words.UNITS[unit](1), words.UNITS[unit](2))]

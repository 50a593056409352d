"""The sections of the report that show the whole county."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from schemas.supervision import ScorePublished
from services.core.assessment import ranks
from services.core.directory import Directory
from services.core.rulebook import Rulebook
from services.demo.ledger import Ledger
from services.demo.ledger_figures import Account, OnTime
from services.demo.report_articles import article_name
from services.demo.report_page import Cell, Column, Markup, bar, both, figure, inline, note, section, table
from services.demo.report_story import unit_name
from services.demo.report_words import (
    CLOCKS,
    DEAD_LETTER_CODES,
    ENDS,
    KINDS,
    PUNCTUALITY,
    REFUSALS,
    RUNGS,
    Words,
    percent,
    words,
)

NUMBER: Final = "number"
SERIOUS: Final = 95.0
"""An on-time rate, in percent, from which on a tile is green."""


def _tile(figure_text: str, title: Words, of: Words, tone: str = "") -> str:
    shown = f'<div class="figure">{figure_text}</div><div>{both(title)}</div><div class="of">{both(of)}</div>'
    return f'<div class="tile {tone}">{shown}</div>'


def equation(account: Account) -> str:
    """Give the account as an equation, and the verdict on it."""
    terms = []
    for name, text in ENDS.items():
        terms.append(f'<span class="term"><b>{getattr(account, name)}</b>{both(text)}</span>')
    left = f'<span class="term"><b>{account.accepted}</b>{both(Words("受理", "accepted"))}</span>'
    right = '<span class="op">+</span>'.join(terms)
    if account.balanced:
        said = Words("✓ 账目相符:每一件受理的工单都有下落。", "Balanced: every ticket accepted is accounted for.")
        tone = "good"
    else:
        named = ", ".join((*account.missing, *account.strays, *account.broken))
        said = Words(
            f"✗ 账目不符:受理 {account.accepted},有下落 {account.accounted}。未查明:{named}",
            f"Not balanced: {account.accepted} accepted, {account.accounted} accounted for.",
        )
        tone = "bad"
    return (
        f'<div class="equation">{left}<span class="op">=</span>{right}</div><p class="verdict {tone}">{both(said)}</p>'
    )


def summary(ledger: Ledger) -> str:
    """Give the figures that a mayor reads first."""
    account, on_time, happy = ledger.account(), ledger.on_time(), ledger.satisfaction()
    breaches = sum(ledger.breaches().values())
    rate = on_time.rate
    tiles = [
        _tile(str(account.accepted), Words("受理", "accepted"), Words(f"在办 {account.open}", f"{account.open} open")),
        _tile(
            str(account.closed),
            Words("办结", "closed"),
            Words(f"知识库直答 {account.answered}", f"{account.answered} answered at once"),
        ),
        _tile(
            percent(rate),
            Words("按时办理率", "on time"),
            Words(
                f"逾期 {on_time.late},超期在办 {on_time.open_overdue}",
                f"{on_time.late} late, {on_time.open_overdue} open and overdue",
            ),
            "" if rate is None else "good" if rate >= SERIOUS else "warn",
        ),
        _tile(
            percent(happy.with_deemed),
            Words("满意率(含视同)", "satisfied, silence deemed"),
            Words(f"办结 {happy.closed}", f"of {happy.closed} closed"),
        ),
        _tile(
            percent(happy.rated_only),
            Words("满意率(仅实评)", "satisfied, rated only"),
            Words(f"实际评价 {happy.rated}", f"of {happy.rated} rated"),
        ),
        _tile(
            str(breaches),
            Words("时限超期", "limits missed"),
            Words(f"督办提醒 {len(ledger.reminders)} 次", f"{len(ledger.reminders)} reminders"),
            "bad" if breaches else "good",
        ),
    ]
    return section(
        "summary",
        Words("总览", "Summary"),
        f'<div class="tiles">{"".join(tiles)}</div>{equation(account)}',
    )


def funnel(ledger: Ledger) -> str:
    """Give how far matters got."""
    account = ledger.account()
    apart = account.answered + account.diverted + account.declined
    text = note(
        f"其中 {apart} 件在入口即办(直答、转接、告知合法渠道),不派单。",
        f"{apart} of them ended at the door: answered at once, diverted, or shown the lawful channel.",
    )
    return section("funnel", Words("办理漏斗", "Funnel"), text + figure("fig-funnel", 360))


def queues() -> str:
    """Give the queues over simulated time."""
    text = note(
        "按环节统计,时间为模拟时间;灰色为非工作日。一条线持续上升,说明有工单无人处理。",
        "By stage, in simulated time; grey days are not worked. A line that keeps rising is a ticket nobody handles.",
    )
    ages = f"<h3>{both(Words('各环节最久等待', 'Oldest wait per stage'))}</h3>" + figure("fig-ages", 420)
    counts = f"<h3>{both(Words('各环节在办数', 'Open tickets per stage'))}</h3>" + figure("fig-counts", 420)
    return section("queues", Words("队列时长", "Queue age"), text + ages + counts)


def deadlines(ledger: Ledger) -> str:
    """Give the hits and misses of handling limits by kind."""
    text = note(
        "按时率 = 按时 ÷(按时 + 逾期答复 + 在办已超期)。超期未办的计入分母;逾期后再答复,仍为逾期。",
        "On-time rate = on time ÷ (on time + late + open and overdue). What is overdue and unanswered counts; "
        "a late reply heals nothing.",
    )
    columns = [
        Column(Words("类别", "Kind")),
        Column(Words("按时率", "On-time rate"), NUMBER),
        *(Column(text, NUMBER) for text in PUNCTUALITY.values()),
    ]
    rows: list[Sequence[Cell]] = [
        (inline(words(KINDS, kind)), percent(found.rate), *_counts(found))
        for kind, found in ledger.on_time_by_kind().items()
        if any(vars(found).values())
    ]
    whole = ledger.on_time()
    if rows:
        rows.append((inline(Words("合计", "All")), percent(whole.rate), *_counts(whole)))
    classes = [""] * (len(rows) - 1) + ["weighty"]
    missed = [(words(CLOCKS, kind), count) for kind, count in ledger.breaches().items()]
    by_clock = note(
        "超期按时钟计:" + (";".join(f"{clock.zh} {count}" for clock, count in missed) or "无") + "。一件可计多次。",
        "Limits missed, by clock: "
        + (", ".join(f"{clock.en.lower()} {count}" for clock, count in missed) or "none")
        + ". One ticket may miss several.",
    )
    return section(
        "deadlines",
        Words("时限达成", "Deadlines by kind"),
        text + figure("fig-deadlines", 320) + table(columns, rows, classes) + by_clock,
    )


def _counts(found: OnTime) -> tuple[int, int, int, int]:
    return found.on_time, found.late, found.open_in_time, found.open_overdue


def ranking(scores: Sequence[ScorePublished], shown: str | None, directory: Directory, rulebook: Rulebook) -> str:
    """Give the units' assessment: the month `shown` first, other months folded away."""
    rules = rulebook.scoring
    text = note(
        f"按月、分类考核(第十五条;国办函〔2025〕66号(六)):同类单位之间排名,派单不足 {rules.min_sample} 件的不排名。"
        "按时答复率的分母含期末超期未办结。得分来自 unit-scores 主题;各项明细:hotline score show。",
        f"By month and class (Art. 15): ranked within the class, not below {rules.min_sample} tickets. Replied on time "
        "is of all closed and all that was late and open at the month's end. From topic unit-scores; the tickets "
        "behind each number: hotline score show.",
    )
    if shown is None:
        return section("units", Words("单位排名", "Units"), text + table([], []))
    body = [text, f"<h3>{shown}</h3>", figure("fig-units", 200), _months_table(scores, shown, directory, rulebook)]
    for period in sorted({score.period for score in scores} - {shown}):
        said = both(Words(f"{period} 考核表", f"assessment of {period}"))
        body.append(f"<details><summary>{said}</summary>{_months_table(scores, period, directory, rulebook)}</details>")
    return section("units", Words("单位排名", "Units"), "".join(body))


def _class_name(unit_class: str | None, rulebook: Rulebook) -> Words:
    named = rulebook.scoring.classes.get(unit_class or "")
    return Words(named.name_zh, named.name_en) if named else Words("全部单位", "All units")


def _months_table(scores: Sequence[ScorePublished], period: str, directory: Directory, rulebook: Rulebook) -> str:
    columns = [
        Column(Words("名次", "Rank"), NUMBER),
        Column(Words("单位", "Unit"), "name"),
        Column(Words("得分", "Score"), NUMBER),
        Column(Words("派单", "Tickets"), NUMBER),
        Column(Words("办结", "Closed"), NUMBER),
        Column(Words("按时签收", "Signed on time"), NUMBER),
        Column(Words("按时答复", "Replied on time"), NUMBER),
        Column(Words("满意(含视同)", "Satisfied, deemed incl."), NUMBER),
        Column(Words("满意(实评)", "Satisfied, rated only"), NUMBER),
        Column(Words("退单", "Returned"), NUMBER),
        Column(Words("重办", "Redone"), NUMBER),
        Column(Words("超期", "Missed"), NUMBER),
        Column(Words("期末超期未办结", "Late and open"), NUMBER),
    ]
    of_period = [score for score in scores if score.period == period]
    of_period.sort(key=lambda s: (s.unit_class or "", s.score is None, -(s.score or 0.0), -s.dispatched, s.unit))
    placed = ranks(of_period)

    def row(score: ScorePublished) -> Sequence[Cell]:
        return (
            placed.get((score.unit, score.period)),
            unit_name(score.unit, directory),
            None if score.score is None else Markup(f"<b>{score.score:.1f}</b>"),
            score.dispatched,
            score.closed,
            percent(score.signed_on_time),
            percent(score.replied_on_time),
            percent(score.satisfaction),
            percent(score.satisfaction_rated_only),
            score.returned,
            score.redone,
            score.breached,
            score.overdue,
        )

    by_class = groupby(of_period, key=lambda score: score.unit_class)
    return "".join(
        f"<h4>{both(_class_name(name, rulebook))}</h4>{table(columns, map(row, of_it))}" for name, of_it in by_class
    )


def reminders(ledger: Ledger) -> str:
    """Give the reminders of each rung."""
    by_rung = ledger.reminders_by_rung()
    most = max((sum(found) for found in by_rung.values()), default=0) or 1
    columns = [
        Column(Words("提醒级别", "Rung")),
        Column(Words("书面", "Written"), NUMBER),
        Column(Words("电话", "Phone"), NUMBER),
        Column(Words("", ""), "bars"),
    ]
    rows = [
        (words(RUNGS, rung), written, phone, bar((written + phone) / most))
        for rung, (written, phone) in by_rung.items()
    ]
    listed = sum(len(digest.items) for digest in ledger.digests)
    others = len(ledger.reminders) - listed
    text = note(
        "每级每件只提醒一次;非工作时间的提醒等到上班发出(第十条)。"
        f"各单位收到汇总通知 {len(ledger.digests)} 份,列明 {listed} 条提醒;"
        f"另有 {others} 条未列入:汇总发出前已了结,或尚待发出。",
        "One per rung and ticket; off-hours reminders wait for the opening (Art. 10). "
        f"Units got {len(ledger.digests)} digests that list {listed} reminders; "
        f"{others} more are in none: settled before it went out, or still waiting for it.",
    )
    return section("reminders", Words("督办提醒", "Reminders"), text + table(columns, rows))


def refusals_and_dead_letters(ledger: Ledger) -> str:
    """Give what was not taken: commands against the rules, and records that nobody can read."""
    refused = table(
        [
            Column(Words("原因", "Reason")),
            Column(Words("条款", "Article"), "keep"),
            Column(Words("次数", "Count"), NUMBER),
        ],
        [
            (_coded(REFUSALS, code, command), article_name(article), n)
            for code, article, command, n in ledger.refusals()
        ],
    )
    dead = table(
        [
            Column(Words("原因", "Reason")),
            Column(Words("服务", "Service"), "keep"),
            Column(Words("条数", "Count"), NUMBER),
        ],
        [
            (_coded(DEAD_LETTER_CODES, code, topic), service, n)
            for service, topic, code, n in ledger.dead_letters_by_code()
        ],
    )
    return section(
        "refused",
        Words("未被接受的请求与死信", "Refused commands and dead letters"),
        '<div class="columns">'
        f"<div><h3>{both(Words('被拒请求', 'Refused commands'))}</h3>{refused}</div>"
        f"<div><h3>{both(Words('死信', 'Dead letters'))}</h3>{dead}</div></div>",
    )


def _coded(book: Mapping[str, Words], code: str, where: str) -> Markup:
    return Markup(f"{inline(words(book, code)).html}<br><code>{inline(Words(code + ' · ' + where, '')).html}</code>")

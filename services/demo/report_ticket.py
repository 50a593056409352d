"""One ticket's whole life: what happened, when, under which article, and how its clocks ran."""

from collections.abc import Sequence
from typing import Final

from schemas.facts import Fact
from services.core.directory import Directory
from services.demo.ledger import Ledger
from services.demo.ledger_tickets import TicketHistory
from services.demo.report_articles import article_name, rule_text
from services.demo.report_page import Cell, Column, Markup, both, figure, inline, note, section, table
from services.demo.report_story import category_name, tell
from services.demo.report_words import CLOCKS, KINDS, STAGES, Words, moment, words

WEIGHTY: Final = frozenset(
    {
        "ticket.dispatched.v1", "ticket.redispatched.v1", "return.requested.v1", "extension.granted.v1",
        "reply.submitted.v1", "ticket.reopened.v1", "ticket.closed.v1",
    }
)  # fmt: skip
"""Facts that turn a ticket's life; their rows are tinted."""
MISSED: Final = frozenset({"clock.breached.v1"})


def timeline(ledger: Ledger, directory: Directory) -> str:
    """Give the life of the most eventful ticket as a band of clocks and a table of facts."""
    title = Words("一件工单的全过程", "One ticket's life")
    history = ledger.most_eventful()
    if history is None:
        return section("ticket", title, note("还没有工单。", "There is no ticket yet."))
    band = f"<h3>{both(Words('时钟', 'Clocks'))}</h3>" + figure("fig-clocks", 260)
    how = note(
        "色条为时钟运行,◆ 为到期时刻(◇ 为延期前的到期时刻),灰色为非工作日。全部时间为当地时间。",
        "Bars are running clocks, ◆ the due instant (◇ before an extension), grey days are not worked. Local time.",
    )
    steps = f"<h3>{both(Words('逐步经过', 'Step by step'))}</h3>"
    return section("ticket", title, _head(history, directory) + band + how + steps + _steps(history, directory))


def _head(history: TicketHistory, directory: Directory) -> str:
    opened = history.opened
    category = category_name(opened.category, directory) if opened else Words("–", "–")
    kind, stage = words(KINDS, history.kind), words(STAGES, history.stage)
    return note(
        f"自动选出经历最多的一件:{kind.zh}「{category.zh}」,{len(history.facts)} 个事实,现为{stage.zh}。"
        f"代号 {history.token};正文与个人信息只在保密库。",
        f"Chosen as the most eventful: {kind.en.lower()}, {category.en.lower()}, {len(history.facts)} facts, "
        f"now {stage.en.lower()}. Its text and the person lie in the vault only.",
    )


def _steps(history: TicketHistory, directory: Directory) -> str:
    columns = [
        Column(Words("序", "No."), "number"),
        Column(Words("当地时间", "Local time"), "keep"),
        Column(Words("事实", "Fact")),
        Column(Words("时限", "Due"), "dues"),
        Column(Words("依据", "Rule")),
    ]
    explained: set[str] = set()
    rows: list[Sequence[Cell]] = [
        (fact.sequence, inline(moment(fact.time)), tell(fact, directory), _dues(fact), _rule(fact, explained))
        for fact in history.facts
    ]
    return table(columns, rows, [_weight(fact) for fact in history.facts])


def _weight(fact: Fact) -> str:
    if fact.type in MISSED:
        return "missed"
    return "weighty" if fact.type in WEIGHTY else ""


def _dues(fact: Fact) -> Markup:
    """Name the due instant of every clock that starts, and of one that is reminded of or missed."""
    said = []
    for clock in fact.started:
        provisional = Words("暂定", "provisional") if clock.provisional else Words("", "")
        said.append((words(CLOCKS, clock.kind), moment(clock.due_at), provisional))
    due_at = getattr(fact, "due_at", None)
    if due_at is not None and not said:
        said.append((words(CLOCKS, getattr(fact, "clock", "")), moment(due_at), Words("", "")))
    lines = [
        f'<div class="due"><b>{clock.zh}</b> {inline(due).html} {both(extra) if extra.zh else ""}</div>'
        for clock, due, extra in said
    ]
    return Markup("".join(lines))


def _rule(fact: Fact, explained: set[str]) -> Markup:
    """Name the article; what it says stands where it comes up first."""
    name = article_name(fact.article)
    shown = f"<b>{inline(name).html}</b>"
    said = rule_text(fact.article)
    if fact.article in explained or not said.zh:
        return Markup(shown)
    explained.add(fact.article)
    return Markup(f'{shown}<div class="rule">{both(said)}</div>')

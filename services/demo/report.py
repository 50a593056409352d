"""The demo's report: one HTML file that needs nothing else, Chinese first, English beside it."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Final

from services.core.calendar import WorkCalendar
from services.core.directory import Directory
from services.core.rulebook import Rulebook
from services.demo import report_charts as charts
from services.demo import report_sections as sections
from services.demo.ledger import Ledger
from services.demo.report_next import next_steps
from services.demo.report_page import both, page
from services.demo.report_ticket import timeline
from services.demo.report_words import Words, local, moment

TITLE: Final = Words("12345 热线运行报告", "How the hotline ran")
SECTIONS: Final[Mapping[str, Words]] = {
    "summary": Words("总览", "Summary"),
    "funnel": Words("漏斗", "Funnel"),
    "queues": Words("队列", "Queues"),
    "deadlines": Words("时限", "Deadlines"),
    "units": Words("单位", "Units"),
    "ticket": Words("一件工单", "One ticket"),
    "reminders": Words("督办", "Reminders"),
    "refused": Words("被拒与死信", "Refused, dead letters"),
    "next": Words("下一步", "Next"),
}


def write_report(
    ledger: Ledger,
    directory: Directory,
    rulebook: Rulebook,
    meta: Mapping[str, Any],
    path: Path,
    *,
    calendar: WorkCalendar | None = None,
) -> Path:
    """Write the report of `ledger` to `path` and give the path; raises OSError when it cannot be written.

    `meta` may say input, seed, requests, seconds, facts_digest, closed_digest, generated_at. With a `calendar` the
    plots shade the days on which nobody works.
    """
    scores = ledger.unit_scores()
    busiest = Counter[str]()
    for score in scores:
        busiest[score.period] += score.closed
    shown = max(sorted(busiest), key=lambda period: busiest[period], default=None)
    body = "".join(
        (
            sections.summary(ledger),
            sections.funnel(ledger),
            sections.queues(),
            sections.deadlines(ledger),
            sections.ranking(scores, shown, directory, rulebook),
            timeline(ledger, directory),
            sections.reminders(ledger),
            sections.refusals_and_dead_letters(ledger),
            next_steps(ledger, directory, rulebook),
        )
    )
    figures = _figures(ledger, directory, shown, calendar)
    text = page(TITLE, _header(ledger, rulebook, meta), body, _footer(rulebook, meta), figures)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _figures(
    ledger: Ledger, directory: Directory, shown: str | None, calendar: WorkCalendar | None
) -> dict[str, charts.Figure]:
    samples = ledger.queue_samples()
    figures = {
        "fig-funnel": charts.funnel(ledger.funnel()),
        "fig-ages": charts.queue_ages(samples, calendar),
        "fig-counts": charts.queue_counts(samples, calendar),
        "fig-deadlines": charts.deadlines(ledger.on_time_by_kind()),
        "fig-units": charts.units([s for s in ledger.unit_scores() if s.period == shown], directory),
    }
    history = ledger.most_eventful()
    if history is not None:
        last = history.facts[-1].time
        until = max(ledger.now or last, last) if history.is_open else last
        figures["fig-clocks"] = charts.clock_band(history.spans(), until, calendar)
    return figures


def _header(ledger: Ledger, rulebook: Rulebook, meta: Mapping[str, Any]) -> str:
    times = [history.facts[0].time for history in ledger.histories.values()]
    said: list[tuple[Words, str]] = []
    if times and ledger.now is not None:
        first, last = local(min(times)), local(ledger.now)
        said.append((Words("模拟时段", "simulated"), f"{first:%Y-%m-%d} – {last:%Y-%m-%d}"))
    for name, text in (
        ("input", Words("数据", "input")),
        ("requests", Words("诉求", "requests")),
        ("seed", Words("种子", "seed")),
    ):
        if name in meta:
            said.append((text, str(meta[name])))
    said.append((Words("事实", "facts"), f"{ledger.fact_count:,}"))
    said.append((Words("规则版本", "rulebook"), rulebook.version))
    facts = "".join(f"<li>{both(text)} <b>{escape(value)}</b></li>" for text, value in said)
    links = "".join(f'<a href="#{name}">{both(text)}</a>' for name, text in SECTIONS.items())
    return (
        f'<header><p class="over">hotline-mesh · {escape(rulebook.jurisdiction)}</p>'
        f'<h1>{escape(TITLE.zh)}<span class="en" lang="en">{escape(TITLE.en)}</span></h1>'
        f'<ul class="facts">{facts}</ul><nav>{links}</nav></header>'
    )


def _footer(rulebook: Rulebook, meta: Mapping[str, Any]) -> str:
    said = [
        both(
            Words(
                "全部数字由 Kafka 主题读出;不含个人信息。", "Every figure was read from the topics; nothing personal."
            )
        ),
        both(Words(f"规则:{rulebook.title_zh}", rulebook.title_en)),
    ]
    for name, text in (
        ("facts_digest", Words("ticket-events 摘要", "digest")),
        ("closed_digest", Words("closed-tickets 摘要", "digest")),
    ):
        if meta.get(name):
            said.append(f"{both(text)} <code>{escape(str(meta[name]))}</code>")
    made = meta.get("generated_at")
    if isinstance(made, datetime):
        when = moment(made)
        said.append(both(Words(f"生成于 {local(made):%Y}-{when.zh}", f"made {when.en}, Asia/Shanghai")))
    return "".join(f"<p>{line}</p>" for line in said)

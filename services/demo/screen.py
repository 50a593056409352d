"""The demo's live screen and its closing summary; without a terminal, one plain line now and then."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from schemas.vocabulary import Stage
from services.core.directory import Directory
from services.core.transitions import OPEN_STAGES
from services.demo.ledger import Ledger
from services.demo.ledger_figures import Account, OpenQueue
from services.demo.report_words import ENDS, STAGES, WEEKDAYS_EN, WEEKDAYS_ZH, Words, local, percent, span, words

PLAIN_EVERY: Final = 10.0
"""Seconds between two lines where the output is no terminal."""
DRAW_EVERY: Final = 0.25
OLD: Final = timedelta(days=3)
"""An age from which the oldest ticket of a stage is shown in yellow."""
BAR_WIDTH: Final = 48


class Screen:
    """Shows a running simulation; `clock` gives seconds that never go back, and is an argument for tests."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._started = clock()
        self._shown_at: float | None = None

    def __enter__(self) -> Self:
        self._started = self._clock()
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(
        self, ledger: Ledger, *, simulated_now: datetime, progress: float, rates: Mapping[str, float], phase: str
    ) -> None:
        """Show where the simulation is; `progress` runs from 0 to 1. Calls that come too fast show nothing."""
        now = self._clock()
        pause = PLAIN_EVERY if self._live is None else DRAW_EVERY
        if self._shown_at is not None and now - self._shown_at < pause:
            return
        self._shown_at = now
        if self._live is None:
            self._console.print(self._line(ledger, simulated_now, progress), highlight=False, soft_wrap=True)
            return
        self._live.update(self._picture(ledger, simulated_now, progress, rates, phase), refresh=True)

    def eta(self, progress: float) -> timedelta | None:
        """Give the time left if it goes on as so far; None while nobody can say."""
        if progress <= 0.01:
            return None
        passed = self._clock() - self._started
        return timedelta(seconds=max(0.0, passed * (1 - progress) / progress))

    def _line(self, ledger: Ledger, at: datetime, progress: float) -> str:
        left = self.eta(progress)
        return (
            f"{_when(at)}  {100 * progress:3.0f} %  facts 事实 {ledger.fact_count}  open 在办 {ledger.open_count}  "
            f"closed 办结 {_closed(ledger)}  dead letters 死信 {len(ledger.dead_letters)}"
            + (f"  left 剩余 {_seconds(left)}" if left is not None else "")
        )

    def _picture(
        self, ledger: Ledger, at: datetime, progress: float, rates: Mapping[str, float], phase: str
    ) -> RenderableType:
        head = Text.assemble((_when(at), "bold"), "   ", (phase, "cyan"))
        left = self.eta(progress)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=1.0, completed=min(progress, 1.0), width=BAR_WIDTH),
            f"{100 * progress:3.0f} %",
            f"ETA 剩余 {_seconds(left)}" if left is not None else "",
        )
        flow = Text("   ".join(f"{name} {rate:,.0f}" for name, rate in rates.items()), style="dim")
        return Panel(
            Group(head, bar, Text(), _stages(ledger, at), Text(), _totals(ledger), flow),
            title="12345 hotline-mesh",
            border_style="blue",
        )


def _when(at: datetime) -> str:
    here = local(at)
    return f"{here:%Y-%m-%d} {WEEKDAYS_ZH[here.weekday()]} {WEEKDAYS_EN[here.weekday()]} {here:%H:%M}"


def _seconds(left: timedelta) -> str:
    whole = int(left.total_seconds())
    return f"{whole // 60}:{whole % 60:02d}"


def _closed(ledger: Ledger) -> int:
    return sum(history.stage is Stage.CLOSED for history in ledger.histories.values())


def _stages(ledger: Ledger, at: datetime) -> Table:
    """One row per stage that tickets wait in for longer than an instant, whether any waits or not."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("stage 环节", min_width=34)
    table.add_column("open 在办", justify="right", min_width=10)
    table.add_column("oldest 最久", justify="right", min_width=16)
    by_stage: dict[Stage, OpenQueue] = {}
    for (stage, _kind, _group), queue in ledger.open_queues().items():
        known = by_stage.get(stage, OpenQueue(0, queue.oldest_since))
        by_stage[stage] = OpenQueue(known.count + queue.count, min(known.oldest_since, queue.oldest_since))
    for stage in OPEN_STAGES[1:]:
        text = words(STAGES, stage)
        found = by_stage.get(stage)
        if found is None:
            table.add_row(f"{text.zh} {text.en}", "–", "", style="dim")
            continue
        age = max(at - found.oldest_since, timedelta())
        table.add_row(
            f"{text.zh} {text.en}", str(found.count), Text(span(age).en, style="yellow" if age >= OLD else "")
        )
    return table


def _totals(ledger: Ledger) -> Text:
    missed = sum(ledger.breaches().values())
    return Text.assemble(
        "closed 办结 ", (str(_closed(ledger)), "bold green"), "   open 在办 ", (str(ledger.open_count), "bold"),
        "   limits missed 超期 ", (str(missed), "bold red" if missed else "bold"),
        "   dead letters 死信 ", (str(len(ledger.dead_letters)), "bold"),
        "   facts 事实 ", (f"{ledger.fact_count:,}", "bold"),
    )  # fmt: skip


def equation(account: Account) -> str:
    """Give the account in one line, for instance "accepted 606 = closed 397 + open 5 + ..."."""
    terms = " + ".join(f"{text.en} {getattr(account, name)}" for name, text in ENDS.items())
    return f"accepted {account.accepted} {'=' if account.balanced else '≠'} {terms}"


def print_summary(
    console: Console, account: Account, ledger: Ledger, report_path: Path, *, directory: Directory | None = None
) -> None:
    """Print how it ended: the account, deadlines, satisfaction, the units at both ends, and where the report is.

    Units go by their ids unless a `directory` names them.
    """
    on_time, happy = ledger.on_time(), ledger.satisfaction()
    table = Table(title="12345 热线运行小结 summary", title_justify="left", show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, text in {"accepted": Words("受理", "accepted"), **ENDS}.items():
        table.add_row(f"{text.zh} {text.en}", str(getattr(account, name)))
    table.add_section()
    table.add_row(
        "按时率 on time",
        f"{percent(on_time.rate)}  ({on_time.on_time} on time 按时, {on_time.late} late 逾期, "
        f"{on_time.open_overdue} open and overdue 超期在办)",
    )
    table.add_row("满意率 satisfied", f"{percent(happy.with_deemed)} of {happy.closed} closed 含视同")
    table.add_row("", f"{percent(happy.rated_only)} of {happy.rated} rated 仅实评")
    for label, line in _ends_of_ranking(ledger, directory):
        table.add_row(label, line)
    table.add_section()
    table.add_row("报告 report", str(report_path))
    console.print(table)
    console.print(
        equation(account), style="bold green" if account.balanced else "bold red", highlight=False, soft_wrap=True
    )
    for title, names in (
        ("missing 无下落", account.missing),
        ("never handed down 无来源", account.strays),
        ("facts missing 事实缺失", account.broken),
    ):
        if names:
            console.print(f"{title}: {', '.join(names)}", style="red", highlight=False, soft_wrap=True)


def _unit(unit: str, directory: Directory | None) -> str:
    found = directory.unit(unit) if directory else None
    return f"{found.name_zh} {found.name_en}" if found else unit


def _ends_of_ranking(ledger: Ledger, directory: Directory | None) -> list[tuple[str, str]]:
    ranked = [(score.score, score) for score in ledger.unit_scores() if score.score is not None]
    if not ranked:
        return []
    ranked.sort(key=lambda item: (-item[0], item[1].unit, item[1].period))
    (best, top), (worst, bottom) = ranked[0], ranked[-1]
    return [
        ("最高 top unit", f"{_unit(top.unit, directory)}  {best:.1f}  ({top.period})"),
        ("最低 bottom unit", f"{_unit(bottom.unit, directory)}  {worst:.1f}  ({bottom.period})"),
    ]

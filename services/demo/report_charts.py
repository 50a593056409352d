"""The report's plots as plain plotly figures; colours of text and grid come from the page, light or dark."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final

from schemas.supervision import ScorePublished
from schemas.vocabulary import Kind, Stage
from services.core.calendar import WorkCalendar
from services.core.directory import Directory
from services.core.transitions import OPEN_STAGES
from services.demo.ledger_figures import OnTime
from services.demo.ledger_queues import QueueSample
from services.demo.ledger_tickets import ClockSpan
from services.demo.report_story import unit_name
from services.demo.report_words import (
    CLOCKS,
    KINDS,
    LOCAL,
    OUTCOMES,
    PUNCTUALITY,
    STAGES,
    STEPS,
    Words,
    local,
    moment,
    words,
)

Figure = dict[str, Any]
GOOD, BAD, WAITING, WARNING, NEUTRAL = "#2f9e77", "#d2504f", "#7fb2d9", "#e39b35", "#9aa4ad"
PUNCTUALITY_COLOURS: Final = {"on_time": GOOD, "late": BAD, "open_in_time": WAITING, "open_overdue": WARNING}
OUTCOME_COLOURS: Final = {"met": GOOD, "late": BAD, "cancelled": NEUTRAL, "paused": NEUTRAL, "running": WAITING}
STAGE_COLOURS: Final[Mapping[Stage, str]] = {
    Stage.OPENED: "#b4bcc4", Stage.HELD: "#9a86c9", Stage.QUEUED: "#6f7f8f", Stage.DISPATCHED: "#e39b35",
    Stage.IN_PROGRESS: "#3b82c4", Stage.DISPUTED: "#d2504f", Stage.REPLIED: "#5cb8c4", Stage.REVISITING: "#2f9e77",
    Stage.JUDGING: "#c2609c", Stage.EXPLAINING: "#a8743f", Stage.EXPLAINED: "#8fb35a",
}  # fmt: skip
OFF_DAY: Final = "rgba(128,128,128,0.13)"
ROW: Final = 34


def _label(text: Words) -> str:
    return f"{text.zh}<br><span style='font-size:0.8em'>{text.en}</span>"


def _inline(text: Words) -> str:
    return f"{text.zh} {text.en}"


def _layout(height: int, **more: Any) -> Figure:
    base: Figure = {
        "height": height,
        "margin": {"l": 12, "r": 16, "t": 12, "b": 12},
        "hovermode": "closest",
        "legend": {"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top"},
    }
    return base | more


def _time(at: datetime) -> str:
    # Plotly shows a text without offset as it stands: this is how local time gets on the axis everywhere.
    return local(at).strftime("%Y-%m-%d %H:%M:%S")


def _dates(zh: str = "当地时间", en: str = "local time, Asia/Shanghai") -> Figure:
    return {"type": "date", "tickformat": "%m-%d", "automargin": True, "title": {"text": f"{zh} {en}"}, "nticks": 12}


def days_off(first: datetime, last: datetime, calendar: WorkCalendar | None) -> list[Figure]:
    """Shade the days on which nobody works, as rectangles behind the plot; none without a calendar."""
    if calendar is None:
        return []
    shapes = []
    day = local(first).date()
    while day <= local(last).date():
        if not calendar.is_working_day(day):
            start = datetime.combine(day, time(), LOCAL)
            shapes.append(
                {
                    "type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
                    "x0": _time(start), "x1": _time(start + timedelta(days=1)),
                    "fillcolor": OFF_DAY, "line": {"width": 0},
                }
            )  # fmt: skip
        day += timedelta(days=1)
    return shapes


def funnel(steps: Sequence[tuple[str, int]]) -> Figure:
    """How many matters got at least as far as each step."""
    trace = {
        "type": "funnel",
        "y": [_label(words(STEPS, step)) for step, _ in steps],
        "x": [count for _, count in steps],
        "textinfo": "value+percent initial",
        "textfont": {"color": "#ffffff"},
        "insidetextfont": {"color": "#ffffff"},
        "marker": {"color": ["#1f5f8b", "#2a76a8", "#2f87b3", "#3597ab", "#339c93", GOOD][: len(steps)]},
        "connector": {"line": {"width": 0}, "fillcolor": "rgba(128,128,128,0.12)"},
        "hoverinfo": "y+x",
    }
    return {"data": [trace], "layout": _layout(360, showlegend=False, yaxis={"automargin": True, "showgrid": False})}


def queue_ages(samples: Sequence[QueueSample], calendar: WorkCalendar | None) -> Figure:
    """Days that the oldest ticket of each stage has waited, over simulated time."""

    def age(sample: QueueSample, stage: Stage) -> float | None:
        found = sample.age(stage)
        return None if found is None else round(found.total_seconds() / 86400, 3)

    title = "最久等待(天) oldest wait, days"
    return _over_time(samples, calendar, title, {s: [age(sample, s) for sample in samples] for s in _used(samples)})


def queue_counts(samples: Sequence[QueueSample], calendar: WorkCalendar | None) -> Figure:
    """How many tickets wait in each stage, over simulated time, stacked."""

    def count(sample: QueueSample, stage: Stage) -> int:
        return sample.waiting[stage][0] if stage in sample.waiting else 0

    lines = {s: [count(sample, s) for sample in samples] for s in _used(samples)}
    figure = _over_time(samples, calendar, "在办工单数 open tickets", lines)
    for trace in figure["data"]:
        trace |= {"stackgroup": "stages", "line": {"width": 0.5, "color": trace["line"]["color"]}}
        del trace["line"]["color"]
        trace["fillcolor"] = trace.pop("meta")
    return figure


def _used(samples: Sequence[QueueSample]) -> list[Stage]:
    # A ticket passes through "opened" within an instant.
    return [stage for stage in OPEN_STAGES if any(stage in sample.waiting for sample in samples)]


def _over_time(
    samples: Sequence[QueueSample],
    calendar: WorkCalendar | None,
    title: str,
    lines: Mapping[Stage, Sequence[float | None]],
) -> Figure:
    x = [_time(sample.at) for sample in samples]
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": _inline(words(STAGES, stage)),
            "x": x,
            "y": list(values),
            "connectgaps": False,
            "line": {"width": 2, "color": STAGE_COLOURS[stage]},
            "meta": STAGE_COLOURS[stage],
            "hovertemplate": "%{x|%m-%d %H:%M}: %{y:.1f}<extra>" + words(STAGES, stage).zh + "</extra>",
        }
        for stage, values in lines.items()
    ]
    shapes = days_off(samples[0].at, samples[-1].at, calendar) if samples else []
    layout = _layout(420, xaxis=_dates(), yaxis={"title": {"text": title}, "rangemode": "tozero", "automargin": True})
    layout["legend"]["y"] = -0.24
    return {"data": data, "layout": layout | {"shapes": shapes}}


def deadlines(by_kind: Mapping[Kind, OnTime]) -> Figure:
    """Share of tickets on time, late, open in time and open overdue, by kind."""
    kinds = [kind for kind in reversed(Kind) if any(vars(by_kind[kind]).values())]
    data = []
    for name, colour in PUNCTUALITY_COLOURS.items():
        counts = [getattr(by_kind[kind], name) for kind in kinds]
        totals = [sum(vars(by_kind[kind]).values()) for kind in kinds]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": _inline(words(PUNCTUALITY, name)),
                "y": [_label(words(KINDS, kind)) for kind in kinds],
                "x": [round(100 * count / total, 2) for count, total in zip(counts, totals, strict=True)],
                "text": [str(count) if count else "" for count in counts],
                "textposition": "inside",
                "textangle": 0,
                "insidetextanchor": "middle",
                "textfont": {"color": "#ffffff"},
                "marker": {"color": colour},
                "hovertemplate": "%{text} (%{x:.1f} %)<extra>%{fullData.name}</extra>",
            }
        )
    layout = _layout(
        120 + 52 * max(len(kinds), 1),
        barmode="stack",
        bargap=0.35,
        xaxis={"title": {"text": "占比 share of tickets, %"}, "range": [0, 100], "automargin": True},
        yaxis={"automargin": True, "showgrid": False},
        uniformtext={"minsize": 10, "mode": "hide"},
    )
    layout["legend"] |= {"y": -0.24, "traceorder": "normal"}
    return {"data": data, "layout": layout}


def units(scores: Sequence[ScorePublished], directory: Directory) -> Figure:
    """Scores of the ranked units, class by class, the best of each on top."""
    ranked = sorted((s for s in scores if s.score is not None), key=lambda s: (s.score or 0.0, s.unit))
    ranked.sort(key=lambda s: s.unit_class or "", reverse=True)
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [_label(unit_name(score.unit, directory)) for score in ranked],
        "x": [score.score for score in ranked],
        "text": [f"{score.score:.1f}" for score in ranked],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {
            "color": [GOOD if (s.score or 0) >= 90 else WARNING if (s.score or 0) >= 75 else BAD for s in ranked]
        },
        "hovertemplate": "%{x:.2f}<extra></extra>",
    }
    layout = _layout(
        90 + 44 * max(len(ranked), 1),
        showlegend=False,
        bargap=0.4,
        margin={"l": 12, "r": 44, "t": 12, "b": 12},
        xaxis={"title": {"text": "考核得分(满分100) score of 100"}, "range": [0, 100], "automargin": True},
        yaxis={"automargin": True, "showgrid": False},
    )
    return {"data": [trace], "layout": layout}


def clock_band(spans: Sequence[ClockSpan], until: datetime, calendar: WorkCalendar | None) -> Figure:
    """Every clock of one ticket from start to stop, with its due instants; an extension shows as a second diamond."""
    rows = [f"{words(CLOCKS, span.kind).zh} {_number(spans, span)}".strip() for span in spans]
    data: list[Figure] = []
    for name, colour in OUTCOME_COLOURS.items():
        chosen = [(row, span) for row, span in zip(rows, spans, strict=True) if _colour_of(span) == name]
        x: list[str | None] = []
        y: list[str | None] = []
        for row, span in chosen:
            x += [_time(span.started_at), _time(span.stopped_at or until), None]
            y += [row, row, None]
        if chosen:
            data.append(
                {
                    "type": "scatter", "mode": "lines", "name": _inline(words(OUTCOMES, name)), "x": x, "y": y,
                    "line": {"color": colour, "width": 13}, "hoverinfo": "x+name", "connectgaps": False,
                }
            )  # fmt: skip
    dues = [(row, span, due) for row, span in zip(rows, spans, strict=True) for due in span.dues]
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "到期 due",
            "x": [_time(due) for _, _, due in dues],
            "y": [row for row, _, _ in dues],
            "marker": {
                "symbol": ["diamond" if due == span.dues[-1] else "diamond-open" for _, span, due in dues],
                "size": 11,
                "color": "#c9a227",
                "line": {"width": 1.5, "color": "#7a5f0a"},
            },
            "text": [f"{row}到期 {moment(due).zh} {moment(due).en}" for row, _, due in dues],
            "hovertemplate": "%{text}<extra></extra>",
        }
    )
    ends = [span.stopped_at or until for span in spans] + [due for _, _, due in dues]
    shapes = days_off(min(span.started_at for span in spans), max(ends), calendar) if spans else []
    layout = _layout(
        120 + ROW * max(len(spans), 1),
        xaxis=_dates(),
        yaxis={
            "automargin": True,
            "categoryorder": "array",
            "categoryarray": list(reversed(rows)),
            "range": [-0.7, len(rows) - 0.3],
            "type": "category",
        },
        shapes=shapes,
    )
    layout["legend"]["y"] = -70 / (30 + ROW * max(len(spans), 1))
    return {"data": data, "layout": layout}


def _number(spans: Sequence[ClockSpan], span: ClockSpan) -> str:
    """Number the clocks of a kind that ran more than once."""
    same = [other for other in spans if other.kind is span.kind]
    return f"{same.index(span) + 1}" if len(same) > 1 else ""


def _colour_of(span: ClockSpan) -> str:
    if span.breached:
        return "late"
    return span.outcome.value if span.outcome else "running"

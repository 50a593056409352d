"""`hotline score`: what a unit is assessed by, the tickets behind each number, and ranks within a class (Art. 15)."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table

from schemas.supervision import ScorePublished, UnitMeasured
from schemas.values import IndicatorScore
from schemas.vocabulary import Indicator, Measure
from services.cli.assessed import TOPICS, Assessed, assessed
from services.cli.explain import EXIT_DISAGREES, EXIT_USAGE, Language
from services.cli.log import records
from services.cli.run import policies_of
from services.core.assessment import ranks
from services.core.explain.model import Text
from services.core.policy import Policies
from services.core.traces import Trace, trace
from services.runtime.log_file import LogFileError, read_log
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Assessment: numbers, tickets behind them, ranks. 考核。")
INDICATORS: dict[Indicator, Text] = {
    Indicator.SIGNED_ON_TIME: Text(en="signed on time", zh="按时签收率"),
    Indicator.REPLIED_ON_TIME: Text(en="replied on time", zh="按时办结率"),
    Indicator.SATISFACTION: Text(en="satisfaction, deemed incl.", zh="满意率(含视同)"),
    Indicator.SATISFACTION_RATED_ONLY: Text(en="satisfaction, rated only", zh="满意率(实评)"),
    Indicator.REDONE: Text(en="redone", zh="重办率"),
    Indicator.RETURNS_UPHELD: Text(en="returns upheld", zh="退单成立率"),
    Indicator.REPLIES_REJECTED: Text(en="replies rejected by review", zh="答复审核退回率"),
    Indicator.REPEATED: Text(en="repeated matters", zh="重复诉求率"),
    Indicator.KNOWLEDGE_CURRENT: Text(en="knowledge base current", zh="知识库更新率"),
}
_MEASURES: dict[Indicator, tuple[Measure, ...]] = {
    Indicator.SIGNED_ON_TIME: (Measure.SIGNED,),
    Indicator.REPLIED_ON_TIME: (Measure.REPLIED, Measure.OVERDUE),
    Indicator.SATISFACTION: (Measure.CLOSED,),
    Indicator.SATISFACTION_RATED_ONLY: (Measure.CLOSED,),
    Indicator.REDONE: (Measure.REDONE, Measure.REPLIED),
    Indicator.RETURNS_UPHELD: (Measure.RETURNED, Measure.RETURN_REFUSED),
    Indicator.REPLIES_REJECTED: (Measure.REPLY_REJECTED, Measure.REPLIED),
    Indicator.REPEATED: (Measure.REPEATED, Measure.DISPATCHED),
    Indicator.KNOWLEDGE_CURRENT: (),
}
LogFile = Annotated[Path | None, typer.Option(help="a file of `hotline log export`; default: the Kafka topics")]
Lang = Annotated[Language, typer.Option(help="语言 language")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


def read(log: Path | None) -> tuple[Assessed, Policies]:
    """Read the facts and the published scores, and assess anew."""
    settings = Settings()
    policies = policies_of(settings)
    try:
        source = read_log(log) if log else records(settings, TOPICS, Console(stderr=True))
        return assessed(source, policies), policies
    except LogFileError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None


def _behind(number: IndicatorScore, found: Trace) -> Iterator[dict[str, Any]]:
    """Give the tickets behind a number, each with the fact that counted."""
    for measure in (*found.standing, *found.overdue):
        if measure.measure in _MEASURES[number.indicator]:
            if number.indicator is Indicator.SATISFACTION_RATED_ONLY and measure.deemed:
                continue
            yield _said(measure)


def _said(measure: UnitMeasured) -> dict[str, Any]:
    said = {"ticket": measure.ticket, "evidence": measure.evidence, "measure": measure.measure.value}
    more = {"on_time": measure.on_time, "rating": measure.rating, "because": measure.because}
    return (
        said
        | {name: value for name, value in more.items() if value is not None}
        | ({"deemed": True} if measure.deemed else {})
    )


def told(score: ScorePublished, rank: int | None, found: Trace) -> dict[str, Any]:
    """Give everything about one assessment as plain values."""
    return {
        **score.model_dump(mode="json", exclude={"id", "source", "type", "causation", "sequence", "subject"}),
        "rank": rank,
        "indicators": [
            number.model_dump(mode="json") | {"tickets": list(_behind(number, found))} for number in score.indicators
        ],
        "taken_back": [_said(measure) | {"indicator": measure.indicator} for measure in found.taken_back],
    }


@app.command()
def show(
    unit: Annotated[str, typer.Argument(help="the unit's id, U-...")],
    period: Annotated[str, typer.Argument(help="the month, 2026-09")],
    log: LogFile = None,
    lang: Lang = Language.ZH,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show a unit's assessment in a month: each number, the tickets behind it, what was excluded and why. 考核明细。

    Every number is made anew from the facts. Exit code 1 if what was published says otherwise, 2 if nothing counted.
    """
    found, _ = read(log)
    score = found.scores.get((unit, period))
    if score is None:
        typer.echo(f"nothing counted for {unit} in {period}", err=True)
        raise typer.Exit(EXIT_USAGE)
    disagrees = (unit, period) in found.disagreements()
    rank = ranks(found.scores.values()).get((unit, period))
    about = told(score, rank, trace(found.measures, unit, period)) | {"agrees_with_published": not disagrees}
    if as_json:
        typer.echo(to_json(about, indent=2).decode())
    else:
        _print(about, lang, Console())
    raise typer.Exit(EXIT_DISAGREES if disagrees else 0)


def _say(lang: Language, zh: str, en: str) -> str:
    return zh if lang is Language.ZH else en


def _print(about: dict[str, Any], lang: Language, console: Console) -> None:
    score = _say(lang, "不排名", "not ranked") if about["score"] is None else f"{about['score']:.2f}"
    console.print(f"[bold]{about['unit']} {about['period']}[/]  {score}  ({about['unit_class']}, r{about['revision']})")
    table = Table(box=None, pad_edge=False)
    for name in (
        _say(lang, "指标", "indicator"),
        "%",
        _say(lang, "件数", "of"),
        _say(lang, "得分", "points"),
        _say(lang, "工单", "tickets"),
    ):
        table.add_column(name)
    for number in about["indicators"]:
        points = "" if number["points"] is None else f"{number['points']:g}/{number['of']:g}"
        tickets = ", ".join(_short(ticket) for ticket in number["tickets"])
        text = INDICATORS[Indicator(number["indicator"])]
        rate = "" if number["rate"] is None else f"{number['rate']:.2f}"
        table.add_row(_say(lang, text.zh, text.en), rate, f"{number['part']}/{number['whole']}", points, tickets)
    console.print(table)
    for back in about["taken_back"]:
        console.print(f"{_say(lang, '剔除', 'left out')}: {back['ticket']} {back['measure']}: {back['because']}")
    if about["agrees_with_published"]:
        console.print(_say(lang, "与已发布的考核结果一致。", "Agrees with what was published."), style="green")
    else:
        wrong = _say(lang, "与已发布的考核结果不符!", "DOES NOT AGREE with what was published.")
        console.print(wrong, style="bold red")


def _short(said: dict[str, Any]) -> str:
    on_time = said.get("on_time")
    marks = "" if on_time is None else "✓" if on_time else "✗"
    return f"{said['ticket']}{marks}" + (f" ({said['measure']})" if said["measure"] == "overdue" else "")


@app.command()
def rank(
    period: Annotated[str, typer.Argument(help="the month, 2026-09")],
    log: LogFile = None,
    lang: Lang = Language.ZH,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Rank the units of each class in a month; too small a sample has no rank. 分类排名。

    Units of two classes are never compared.
    """
    found, _ = read(log)
    scores = [score for score in found.scores.values() if score.period == period]
    placed = ranks(scores)
    rows = sorted(scores, key=lambda s: (s.unit_class or "", placed.get((s.unit, s.period), len(scores) + 1), s.unit))
    if as_json:
        typer.echo(to_json([_ranked(score, placed) for score in rows], indent=2).decode())
        return
    _print_ranks(rows, placed, lang, Console())


def _ranked(score: ScorePublished, placed: dict[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "unit_class": score.unit_class, "rank": placed.get((score.unit, score.period)), "unit": score.unit,
        "score": score.score, "sample": score.dispatched, "satisfaction": score.satisfaction,
        "satisfaction_rated_only": score.satisfaction_rated_only, "excluded": score.excluded,
    }  # fmt: skip


def _print_ranks(
    rows: Iterable[ScorePublished], placed: dict[tuple[str, str], int], lang: Language, console: Console
) -> None:
    table = Table(box=None, pad_edge=False)
    for zh, en in (
        ("类别", "class"), ("名次", "rank"), ("单位", "unit"), ("得分", "score"), ("件数", "sample"),
        ("满意率(含视同)", "satisfied, deemed incl."), ("满意率(实评)", "satisfied, rated only"),
    ):  # fmt: skip
        table.add_column(_say(lang, zh, en))
    for score in rows:
        both = (score.satisfaction, score.satisfaction_rated_only)
        rates = ["" if rate is None else f"{rate:.2f}" for rate in both]
        points = "" if score.score is None else f"{score.score:.2f}"
        place = placed.get((score.unit, score.period))
        table.add_row(
            score.unit_class, "—" if place is None else str(place), score.unit, points, str(score.dispatched), *rates
        )
    console.print(table)

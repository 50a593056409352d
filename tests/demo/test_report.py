import io
import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import pytest
from rich.console import Console

from schemas import vocabulary
from schemas.events import type_of
from schemas.facts import TICKET_FACTS
from services.core.policy import Policy
from services.demo import report_words
from services.demo.ledger import Account, Ledger
from services.demo.report import SECTIONS, write_report
from services.demo.report_articles import ARTICLES, article_name
from services.demo.report_page import POLICY, Column, table
from services.demo.report_story import TELLERS
from services.demo.report_words import moment, percent, span
from services.demo.screen import Screen, equation, print_summary
from tests.demo.builders import County, Log, at, book, settled_county

META = {"input": "test.csv", "seed": 7, "requests": 10, "generated_at": datetime(2026, 10, 9, 4, 0, tzinfo=UTC)}


@pytest.fixture(scope="module")
def log(policy: Policy) -> Log:
    return settled_county(policy)


@pytest.fixture(scope="module")
def page(log: Log, policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(book(log), policy, tmp_path_factory.mktemp("report"))


def written(ledger: Ledger, policy: Policy, folder: Path) -> str:
    path = write_report(
        ledger, policy.directory, policy.rulebook, META, folder / "new" / "report.html", calendar=policy.calendar
    )
    return path.read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Reads what a browser would load, the headings, and which tags were left open."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.sections: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.loads += [value for name in ("src", "href") if (value := known.get(name)) is not None]
        if tag == "section":
            self.sections.append(known["id"] or "")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["script"], ["style"]):
            self.words.append(data)


def section_of(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}">.*?</section>', page, re.DOTALL)
    assert found, f"no section {name}"
    return found.group()


def figures_of(page: str) -> dict[str, dict[str, object]]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert found
    figures: dict[str, dict[str, object]] = json.loads(found.group(1))
    return figures


def test_the_report_has_every_section_and_the_links_lead_to_them(page: str) -> None:
    reader = Reader(page)

    assert list(SECTIONS) == reader.sections
    assert [f"#{name}" for name in SECTIONS] == reader.loads
    assert [] == reader.open


def test_the_report_loads_nothing_from_elsewhere(page: str) -> None:
    outside = [value for value in Reader(page).loads if not value.startswith("#")]

    assert [] == outside
    assert POLICY in page
    assert "default-src 'none'" in POLICY
    assert "http" not in POLICY
    assert 1 == page.count("plotly.js v"), "plotly is inside, once"


def test_the_check_for_loads_sees_a_planted_one() -> None:
    assert ["https://cdn.example/x.js"] == Reader('<script src="https://cdn.example/x.js"></script>').loads


def test_every_figure_is_valid_and_has_its_place(page: str) -> None:
    figures = figures_of(page)

    assert {"fig-funnel", "fig-ages", "fig-counts", "fig-deadlines", "fig-units", "fig-clocks"} == set(figures)
    for name, figure in figures.items():
        assert go.Figure(figure).data, name
        assert f'id="{name}"' in page


def test_a_wrong_figure_would_be_found() -> None:
    with pytest.raises(ValueError, match="Invalid"):
        go.Figure({"data": [{"type": "scatter", "colour": "red"}]})


def test_the_summary_shows_the_equation(page: str) -> None:
    shown = " ".join(Reader(section_of(page, "summary")).words)

    assert "账目相符" in shown
    numbers = re.findall(r'<span class="term"><b>(\d+)</b>', page)
    assert ["10", "4", "2", "1", "1", "1", "1", "0"] == numbers


def test_an_unbalanced_account_is_shown_with_the_names(log: Log, policy: Policy, tmp_path: Path) -> None:
    ledger = book([record for record in log if record[3].subject != "T-good"])

    page = written(ledger, policy, tmp_path)

    assert "账目不符" in section_of(page, "summary")
    assert "test/good" in section_of(page, "summary")
    assert "账目不符,差 1 件" in section_of(page, "next")


def test_the_timeline_shows_every_fact_with_its_article_and_due_instants(page: str, log: Log) -> None:
    timeline = section_of(page, "ticket")
    facts = book(log).facts("T-rich")

    assert len(facts) == timeline.count("<tr class=")
    for article in {fact.article for fact in facts}:
        assert article_name(article).zh in timeline
    assert "10-08 周四 18:00" in timeline, "the extended due instant, in local time with its weekday"
    assert ARTICLES["Art. 8"].zh in timeline
    assert 1 == timeline.count(ARTICLES["Art. 9"].zh), "what an article says stands once"


def test_the_clocks_of_the_timeline_are_plotted_with_old_and_new_due_instants(page: str) -> None:
    data = figures_of(page)["fig-clocks"]["data"]
    assert isinstance(data, list)

    symbols = next(trace["marker"]["symbol"] for trace in data if trace["mode"] == "markers")
    assert {"diamond", "diamond-open"} == set(symbols)
    assert figures_of(page)["fig-clocks"]["layout"]["shapes"], "days off are shaded"  # type: ignore[index]


def test_no_mark_up_is_shown_to_the_reader_as_text(page: str) -> None:
    body, _, _ = page.partition('<script type="application/json"')
    assert [] == re.findall(r"&lt;/?\w+[^&]{0,40}", body)


def test_units_are_ranked_in_a_table_of_their_class(page: str, policy: Policy) -> None:
    units = section_of(page, "units")
    named = re.findall(r'<h4><span class="zh">(.*?)</span>', units)
    assert named
    assert set(named) <= {each.name_zh for each in policy.rulebook.scoring.classes.values()}
    assert units.count("<table>") == len(named)


def test_units_with_a_small_sample_have_no_rank(page: str, policy: Policy) -> None:
    rows = re.findall(r"<tr.*?</tr>", section_of(page, "units"), re.DOTALL)
    small = next(row for row in rows if "县综合行政执法局" in row)
    large = next(row for row in rows if "县环境卫生管理站" in row)

    assert '<td class="number">–</td>' in small
    assert '<td class="number">1</td>' in large
    names = figures_of(page)["fig-units"]["data"][0]["y"]  # type: ignore[index]
    assert not [name for name in names if "县综合行政执法局" in name]


def test_refusals_dead_letters_and_reminders_are_listed(log: Log, policy: Policy, tmp_path: Path) -> None:
    ledger = book(log)
    ledger.add_dead_letter("intake-dead-letters", "intake", "not-json", "upstream-tickets", 0, 9_001)
    page = written(ledger, policy, tmp_path)

    refused = section_of(page, "refused")
    assert "非承办单位" in refused
    assert "not-the-responsible-unit" in refused
    assert "不是 JSON" in refused
    reminders = section_of(page, "reminders")
    assert "即将到期" in reminders
    sent, listed = len(ledger.reminders), sum(len(digest.items) for digest in ledger.digests)
    assert f"{sent - listed} more are in none" in reminders, "what was issued is what was listed and what was not"


def test_next_steps_name_the_overdue_tickets(page: str) -> None:
    following = section_of(page, "next")

    assert "T-stuck" in following
    assert "T-back" in following
    assert "T-good" not in following


def test_a_report_of_nothing_has_every_section(policy: Policy, tmp_path: Path) -> None:
    page = written(Ledger(), policy, tmp_path)

    assert list(SECTIONS) == Reader(page).sections
    for figure in figures_of(page).values():
        go.Figure(figure)


def test_nothing_personal_reaches_the_report(policy: Policy, tmp_path: Path) -> None:
    county = County(policy)
    person = {"name": "和某某", "phone": "13800001234", "address": "保和镇某路1号"}
    county.opens("one", "Wed 2026-09-23 09:00", reporter=person, title="门前路灯不亮", content="家住某路")
    county.runs("Wed 2026-09-23 09:00", "Wed 2026-09-23 10:00")

    page = written(county.ledger, policy, tmp_path)

    for text in (*person.values(), "门前路灯不亮", "家住某路"):
        assert text not in page


def test_what_comes_from_the_topics_is_escaped() -> None:
    shown = table([Column(report_words.Words("列", "column"))], [["<script>"], [report_words.Words("<b>", "&")]])

    assert '<td class="">&lt;script&gt;</td>' in shown
    assert "&lt;b&gt;" in shown
    assert "<script>" not in shown


def test_every_fact_has_its_words() -> None:
    assert {type_of(fact) for fact in TICKET_FACTS} == set(TELLERS)


@pytest.mark.parametrize(
    ("book", "listed"),
    [
        (report_words.KINDS, vocabulary.Kind),
        (report_words.STAGES, vocabulary.Stage),
        (report_words.CLOCKS, vocabulary.ClockKind),
        (report_words.RUNGS, vocabulary.Rung),
        (report_words.RATINGS, vocabulary.Rating),
        (report_words.RESOLUTIONS, vocabulary.Resolution),
        (report_words.DISPATCH_REASONS, vocabulary.DispatchReason),
        (report_words.DEFECTS, vocabulary.ReplyDefect),
    ],
)
def test_every_word_of_the_vocabulary_has_words_in_both_languages(
    book: dict[str, report_words.Words], listed: type[vocabulary.Kind]
) -> None:
    assert {member.value for member in listed} == set(book)


def test_articles_are_named_in_both_languages() -> None:
    assert ("第十条", "Art. 10") == article_name("Art. 10")
    assert ("第十六条", "Art. 16 (4)") == article_name("Art. 16 (4)")
    assert ("国办函〔2025〕66号 (二)", "") == article_name("国办函〔2025〕66号 (二)")


def test_numbers_are_written_without_flattery() -> None:
    assert "–" == percent(None)
    assert "99.9 %" == percent(99.97)
    assert "100.0 %" == percent(100.0)
    assert ("3天4小时", "3 d 4 h") == span(timedelta(days=3, hours=4, minutes=59))
    assert ("10-10 周六 18:00", "Sat") == moment(at("Sat 2026-10-10 18:00"))


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=110), out


def show(screen: Screen, ledger: Ledger, progress: float = 0.5) -> None:
    screen.update(
        ledger, simulated_now=at("Sat 2026-10-10 09:00"), progress=progress, rates={"facts/s": 812.0}, phase="调休上班"
    )


def test_without_a_terminal_there_is_one_plain_line_every_ten_seconds(log: Log) -> None:
    to, out = console(terminal=False)
    seconds = [0.0]
    with Screen(to, clock=lambda: seconds[0]) as screen:
        for tick in range(25):
            seconds[0] = float(tick)
            show(screen, book(log) if tick == 0 else Ledger())

    lines = out.getvalue().splitlines()
    assert 3 == len(lines)
    assert "2026-10-10 周六 Sat 09:00" in lines[0]
    assert "closed 办结 4" in lines[0]
    assert "\x1b" not in out.getvalue()


def test_on_a_terminal_the_screen_shows_stages_rates_and_the_day(log: Log) -> None:
    to, out = console(terminal=True)
    seconds = [0.0]
    with Screen(to, clock=lambda: seconds[0]) as screen:
        seconds[0] = 30.0
        show(screen, book(log), progress=0.25)

    for text in ("周六", "调休上班", "办理中 In progress", "facts/s 812", "1:30", "办结"):
        assert text in out.getvalue()


def test_nobody_guesses_the_end_before_anything_happened() -> None:
    to, _ = console(terminal=False)

    assert Screen(to, clock=lambda: 5.0).eta(0.0) is None


def test_the_summary_prints_the_equation_and_where_the_report_is(log: Log, policy: Policy) -> None:
    to, out = console(terminal=False)
    ledger = book(log)

    print_summary(to, ledger.account(), ledger, Path("out/report.html"), directory=policy.directory)

    assert "accepted 10 = closed 4 + open 2 + diverted 1 + answered 1 + declined 1 + withdrawn 1" in out.getvalue()
    assert "out/report.html" in out.getvalue()
    assert "50.0 %" in out.getvalue()
    assert "县环境卫生管理站" in out.getvalue()


def test_an_unbalanced_account_is_no_equation(log: Log) -> None:
    ledger = book([record for record in log if record[3].subject != "T-good"])
    to, out = console(terminal=False)

    print_summary(to, ledger.account(), ledger, Path("r.html"))

    assert "≠" in equation(ledger.account())
    assert "test/good" in out.getvalue()
    assert "=" in equation(Account(0, 0, 0, 0, 0, 0, 0, 0))

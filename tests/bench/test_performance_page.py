"""docs/performance.md says what the results files say, and the frame does what it says."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from bench import cases, frame, report
from bench.frame import Bench, Benchmark, Table, perform


def a_benchmark(name: str = "a-benchmark") -> Benchmark:
    def run(bench: Bench) -> dict[str, object]:
        found = bench.interleaved({"ours": lambda: 30.0, "theirs": lambda: 10.0}, times=3)
        return {who: frame.median(rates) for who, rates in found.items()} | {"versions": {"theirs": "1"}}

    return Benchmark(
        name,
        "What it is.",
        run,
        lambda found: f"{found['ours'] / found['theirs']:.1f} x theirs",
        lambda found: [Table(("engine", "events/s"), [("ours", str(found["ours"])), ("theirs", str(found["theirs"]))])],
    )


@pytest.fixture
def own_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for module in (frame, report):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(report, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(cases, "find", lambda: {"a-benchmark": a_benchmark()})
    report.PAGE.write_text("# Performance\n")
    return tmp_path


def test_the_page_says_what_the_results_say() -> None:
    assert report.page(report.PAGE.read_text()) == report.PAGE.read_text()


def test_every_result_was_measured_in_full() -> None:
    for path in frame.RESULTS.glob("*.json"):
        found = json.loads(path.read_text())
        assert (found["benchmark"], found["quick"]) == (path.stem, False)


def test_a_run_writes_its_results_and_the_page_shows_them(own_results: Path) -> None:
    console = Console(record=True, width=200)
    perform(a_benchmark(), console, quick=False)
    report.generate()
    found = json.loads((own_results / "a-benchmark.json").read_text())
    assert (found["ours"], found["machine"]["cores"] > 0, found["versions"]["theirs"]) == (30.0, True, "1")
    assert console.export_text().rstrip().endswith("a-benchmark: 3.0 x theirs")
    text = report.PAGE.read_text()
    assert "| ours | 30.0 |" in text
    assert report.page(text) == text


def test_a_quick_run_keeps_no_results(own_results: Path) -> None:
    perform(a_benchmark(), Console(quiet=True), quick=True)
    assert list(own_results.glob("*.json")) == []


def test_another_figure_on_the_page_than_in_the_results_is_noticed(
    own_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform(a_benchmark(), Console(quiet=True), quick=False)
    report.generate()
    report.PAGE.write_text(report.PAGE.read_text().replace("3.0 x", "4.0 x"))
    monkeypatch.setattr("sys.argv", ["report", "check"])
    assert report.main() == 1


def test_results_without_a_block_on_the_page_are_noticed(own_results: Path) -> None:
    perform(a_benchmark(), Console(quiet=True), quick=False)
    with pytest.raises(ValueError, match="a-benchmark"):
        report.page(report.PAGE.read_text())


def test_repetitions_are_interleaved() -> None:
    order: list[str] = []
    bench = Bench(quick=True, console=Console(quiet=True), home=Path())
    bench.interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, times=2)
    assert order == ["a", "b", "a", "b"]

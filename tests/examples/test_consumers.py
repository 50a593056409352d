"""The example consumers, each built with its own ecosystem's tools, read a real topic: every closing counts once."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Producer

from schemas.topics import load
from services.runtime.settings import Settings
from services.runtime.topics_admin import apply
from tests.ops.tools import need

pytestmark = pytest.mark.broker
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "consumers"
VALUE = json.loads(next((ROOT / "schemas/examples/ticket.closed.v1").glob("*.json")).read_text())["value"]
Closing = tuple[str, int]


@dataclass(frozen=True)
class Program:
    """A consumer: how to start it, the tool it needs, how to make it ready, where its effects are read."""

    name: str
    command: tuple[str, ...]
    tool: str
    make: tuple[str, ...]
    state: str
    effects: Callable[[Path], list[Closing]]


def of_journal(path: Path) -> list[Closing]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line["token"], line["generation"]) for line in map(json.loads, lines)]


def of_database(path: Path) -> list[Closing]:
    with sqlite3.connect(path) as db:
        return db.execute("SELECT token, generation FROM seen_by_my_code ORDER BY rowid").fetchall()


PYTHON_USER = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from closed_tickets import ClosedTickets
servers, topic, state, until_end = sys.argv[2], sys.argv[4], sys.argv[6], sys.argv[7:] == ["--until-end"]
with ClosedTickets(state, {"bootstrap.servers": servers}, topic=topic, until_end=until_end) as feed:
    feed.db.execute("CREATE TABLE IF NOT EXISTS seen_by_my_code (token TEXT, generation INTEGER)")
    for ticket in feed:
        feed.db.execute("INSERT INTO seen_by_my_code VALUES (?, ?)", (ticket.token, ticket.generation))
        print(ticket.token, flush=True)
"""
PROGRAMS = (
    Program("python", (sys.executable, "-c", PYTHON_USER, "."), "python3", (), "closed.sqlite", of_database),
    Program(
        "java", ("java", "-cp", "target/closed-tickets.jar:target/lib/*", "ClosedTickets"), "mvn",
        ("mvn", "-q", "-B", "package"), "closed.jsonl", of_journal,
    ),
    Program("node", ("node", "closed-tickets.js"), "npm", ("npm", "ci", "--silent"), "closed.jsonl", of_journal),
)  # fmt: skip


@pytest.fixture(scope="module", params=PROGRAMS, ids=lambda program: program.name)
def consumer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Consumer":
    program: Program = request.param
    if shutil.which(program.tool) is None:
        pytest.skip(f"{program.tool} is not installed: the {program.name} consumer cannot be built here")
    folder = tmp_path_factory.mktemp(program.name) / "consumer"
    shutil.copytree(
        EXAMPLES / program.name, folder, ignore=shutil.ignore_patterns("target", "node_modules", "__pycache__")
    )
    if program.make:
        made = subprocess.run(program.make, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
        assert made.returncode == 0, made.stdout + made.stderr
    return Consumer(program, folder)


@dataclass
class Consumer:
    program: Program
    folder: Path

    def start(self, feed: "Feed", *flags: str) -> subprocess.Popen[str]:
        state = feed.state / self.program.state
        words = ["--bootstrap-servers", feed.servers, "--topic", feed.topic, "--state", str(state), *flags]
        return subprocess.Popen(
            [*self.program.command, *words], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def reads_to_the_end(self, feed: "Feed") -> list[Closing]:
        out, errors = self.start(feed, "--until-end").communicate(timeout=120)
        assert not any(word in errors for word in ("Traceback", "Exception", "Error")), out + errors
        return self.effects(feed)

    def effects(self, feed: "Feed") -> list[Closing]:
        return self.program.effects(feed.state / self.program.state)


class Feed:
    """The topic of closed tickets, with what a wire that delivers at least once may put there."""

    def __init__(self, settings: Settings, state: Path) -> None:
        apply(settings, {"closed-tickets": load()["closed-tickets"]})
        self.servers, self.topic, self.state = settings.bootstrap_servers, settings.topic("closed-tickets"), state
        self._producer = Producer({"bootstrap.servers": self.servers, "linger.ms": 5})

    def closes(self, token: str, generation: int = 1, **other: object) -> None:
        self.puts(token, json.dumps(VALUE | {"generation": generation} | other), "ticket.closed.v1")

    def puts(self, token: str, value: str | None, event_type: str) -> None:
        headers = [("ce_id", f"id-{token}"), ("ce_type", event_type), ("ce_time", "2026-09-30T02:00:00Z")]
        self._producer.produce(self.topic, key=token, value=value, headers=headers)

    def flush(self) -> None:
        assert self._producer.flush(30) == 0


@pytest.fixture
def feed(settings: Settings, tmp_path: Path) -> Feed:
    return Feed(settings, tmp_path)


def latest(effects: list[Closing]) -> dict[str, int]:
    return dict(effects)


def test_each_closing_counts_once_and_the_next_run_goes_on_where_this_one_stopped(
    consumer: Consumer, feed: Feed
) -> None:
    for number in range(20):
        feed.closes(f"T-{number}")
    feed.closes("T-3")  # a duplicate
    feed.closes("T-5", generation=2)  # re-opened, closed again
    feed.closes("T-5", generation=1)  # and the old closing once more
    feed.flush()
    effects = consumer.reads_to_the_end(feed)
    assert len(effects) == len(set(effects)) == 21
    assert latest(effects) == {f"T-{number}": 2 if number == 5 else 1 for number in range(20)}
    feed.closes("T-3")
    feed.closes("T-new")
    feed.flush()
    assert sorted(set(consumer.reads_to_the_end(feed)) - set(effects)) == [("T-new", 1)]
    assert len(consumer.effects(feed)) == 22


def test_what_a_later_release_may_add_disturbs_nobody(consumer: Consumer, feed: Feed) -> None:
    feed.closes("T-more", a_field_of_next_year={"deep": [1, 2]})
    feed.puts("T-two", '{"another": "shape"}', "ticket.closed.v2")
    feed.puts("T-other", '{"another": "shape"}', "ticket.merged.v1")
    feed.puts("T-gone", None, "ticket.closed.v1")
    feed.closes("T-last")
    feed.flush()
    assert sorted(consumer.reads_to_the_end(feed)) == [("T-last", 1), ("T-more", 1)]


def test_kill_9_in_the_middle_loses_nothing_and_doubles_nothing(consumer: Consumer, feed: Feed) -> None:
    expected = [f"T-{number}" for number in range(4000)]
    for token in expected:
        feed.closes(token)
    feed.flush()
    for lines in (50, 400):
        process = consumer.start(feed)
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline(), process.communicate()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert 0 < len(consumer.effects(feed)) < len(expected), "it was to die in the middle"
    effects = consumer.reads_to_the_end(feed)
    assert len(effects) == len(set(effects))
    assert sorted(latest(effects)) == sorted(expected)


def test_a_missing_option_says_what_is_missing(consumer: Consumer) -> None:
    if consumer.program.name == "python":
        command = [sys.executable, "closed_tickets.py"]
    else:
        command = [*consumer.program.command]
    said = subprocess.run(command, cwd=consumer.folder, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 2
    assert "--bootstrap-servers" in said.stderr


def test_the_kcat_recipe_of_the_readme_shows_the_newest_closing_of_each_ticket(feed: Feed) -> None:
    kcat = need("kcat")
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed: the recipe's second half cannot run here")
    feed.closes("T-1", rating="dissatisfied")
    feed.closes("T-2", rating="satisfied")
    feed.closes("T-1", generation=2, rating="satisfied")
    feed.puts("T-3", None, "ticket.closed.v1")
    feed.flush()
    recipe = (EXAMPLES / "README.md").read_text().split("```sh\n")[1].split("```")[0]
    assert len(recipe.splitlines()) <= 5
    recipe = recipe.replace("localhost:9092", feed.servers).replace("-t closed-tickets", f"-t {feed.topic}")
    path = f"{Path(kcat).parent}:{os.environ['PATH']}"
    said = subprocess.run(  # noqa: S602 - the recipe is ours
        recipe, shell=True, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.splitlines() == ["T-1\t2\tsatisfied", "T-2\t1\tsatisfied"]

"""`hotline demo` as a user runs it: twice with one seed, on a small sample, and interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]


def command(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the demo with its data under `home`, infrastructure of its own."""
    env = {name: value for name, value in os.environ.items() if name not in {"KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL"}}
    return subprocess.Popen(
        [sys.executable, "-m", "services", "demo", "--fast", "--report", str(home / "report.html"), *arguments],
        cwd=ROOT, env={**env, "HOTLINE_HOME": str(home), "HOTLINE_CACHE": str(ROOT / ".hotline" / "cache")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def said(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, text[-2000:]
    return found.group(1)


def test_two_runs_with_one_seed_say_the_same_facts_and_account_for_every_ticket(tmp_path: Path) -> None:
    digests = []
    homes = [tmp_path / str(number) for number in range(2)]
    for home in homes:
        home.mkdir()
    runs = [command(home, "--tickets", "24") for home in homes]  # both at the same time
    texts = [run.communicate(timeout=280)[0] for run in runs]
    for home, run, text in zip(homes, runs, texts, strict=True):
        assert 0 == run.returncode, text[-3000:]
        assert (home / "report.html").stat().st_size > 100_000
        assert "identical" in text
        total, parts = (
            said(text, r"accepted (\d+) ="),
            re.findall(r"\D+ (\d+)", said(text, r"accepted \d+ = ([^\n]+\n[^\n]*)")),
        )
        assert int(total) == 24 + 6
        assert int(total) == sum(int(part) for part in parts[:7])
        digests.append((said(text, r"ticket-events\s+([0-9a-f]{64})"), said(text, r"closed-tickets\s+([0-9a-f]{64})")))
    assert digests[0] == digests[1]


def test_an_interrupted_demo_leaves_no_process_behind(tmp_path: Path) -> None:
    run = command(tmp_path, "--tickets", "24")
    deadline = time.monotonic() + 120
    family: list[psutil.Process] = []
    while len(family) < 8 and time.monotonic() < deadline:
        time.sleep(0.2)
        family = psutil.Process(run.pid).children(recursive=True)
    assert len(family) >= 8, "a broker, Redis and six services"
    run.send_signal(signal.SIGINT)
    text = run.communicate(timeout=60)[0]
    assert 130 == run.returncode, text[-2000:]
    assert [] == psutil.wait_procs(family, timeout=20)[1]


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    run = command(tmp_path, "--input", "nowhere.csv")
    text = run.communicate(timeout=60)[0]
    assert (2, True) == (run.returncode, "nowhere.csv" in text)

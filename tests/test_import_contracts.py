"""The import contracts hold, and each of them fails when somebody plants the import that it forbids."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LINT = Path(sys.executable).with_name("lint-imports")
CONTRACTS: dict[str, str] = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
}
PLANTED = [
    ("services/router/service.py", "import services.revisit.service", "layers"),
    ("services/core/ticket.py", "import services.router.service", "layers"),
    ("schemas/facts/opening.py", "import services.core.ticket", "layers"),
    ("services/core/deadlines.py", "import time", "pure"),
    ("schemas/wire.py", "import random", "pure"),
    ("services/intake/door.py", "import redis", "one-runtime"),
    ("services/cli/run.py", "import confluent_kafka", "one-runtime"),
    ("services/demo/cast.py", "import prometheus_client", "one-runtime"),
    ("services/reminder/service.py", "import services.runtime.wall", "values"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINT), "--no-cache", "--config", "pyproject.toml"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def broken(report: str) -> set[str]:
    """Give the ids of the contracts that the report calls broken."""
    return {ident for ident, name in CONTRACTS.items() if f"{name} BROKEN" in " ".join(report.split())}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    keep: Any = shutil.ignore_patterns("__pycache__", "*.json")
    for package in ("services", "schemas"):
        shutil.copytree(ROOT / package, folder / package, ignore=keep)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_contracts_hold(copied: Path) -> None:
    done = lint(copied)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


@pytest.mark.parametrize(("file", "line", "contract"), PLANTED)
def test_a_planted_import_breaks_its_contract(copied: Path, file: str, line: str, contract: str) -> None:
    path = copied / file
    clean = path.read_text(encoding="utf-8")
    path.write_text(f"{clean}\n{line}\n", encoding="utf-8")
    try:
        done = lint(copied)
    finally:
        path.write_text(clean, encoding="utf-8")
    assert 0 != done.returncode
    assert contract in broken(done.stdout), done.stdout


def test_each_contract_has_a_planted_violation() -> None:
    assert set(CONTRACTS) == {contract for _, _, contract in PLANTED}

"""Finds the programs of ops/tools.sh: PATH first, then .hotline/tools/bin."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCAL = ROOT / ".hotline" / "tools" / "bin"


def find(name: str) -> str | None:
    """Give the program's path, or None."""
    return shutil.which(name) or shutil.which(name, path=str(LOCAL))


def need(name: str) -> str:
    """Give the program's path; without it the test is skipped, but fails in CI."""
    found = find(name)
    if found is None:
        said = f"{name} is neither on PATH nor in .hotline/tools/bin: run ops/tools.sh"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return found


def run(name: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its exit code is for the caller to judge."""
    return subprocess.run([need(name), *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=240)

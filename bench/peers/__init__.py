"""The environment of what we compare with: made once from its own lock, with hashes, apart from the project's.

`python -m bench.peers` resolves the lock anew.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from services.runtime.embedded import hotline_home

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LOCK = HERE / "requirements.lock"


def python() -> Path:
    """Give the environment's interpreter; makes the environment if it is not there, or is another lock's."""
    home = hotline_home() / "bench" / f"peers-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    program, done = home / "bin" / "python", home / "installed"
    if not done.exists():
        print("making the environment of the peers, once (about a minute)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", LOCK], check=True)
        done.touch()
    return program


def environment() -> Mapping[str, str]:
    """Give the environment variables under which the peers' interpreter finds the project's own modules."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def versions(*names: str) -> dict[str, str]:
    """Give the installed versions of packages among the peers."""
    code = "import sys; from importlib.metadata import version; print(*(version(name) for name in sys.argv[1:]))"
    said = subprocess.run([python(), "-c", code, *names], check=True, capture_output=True, text=True).stdout
    return dict(zip(names, said.split(), strict=True))

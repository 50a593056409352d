"""Kafka and Redis of `docker-compose.yml`, for those who ask for Docker."""

import os
import shutil
import subprocess
from pathlib import Path

from services.runtime.embedded.cluster import ExistingServers
from services.runtime.embedded.errors import StartError

SERVICES = {"kafka": 9092, "redis": 6379}  # name in the file: port inside its container
_FOLDER = Path(__file__).parents[3]
_START_TIMEOUT_S = 600  # images may have to come down


def up() -> ExistingServers:
    """Start both and wait until they are healthy. StartError when there is no engine or they do not start."""
    _compose("up", "--detach", "--wait", *SERVICES)
    return addresses()


def down() -> None:
    """Stop both; their volumes stay. StartError when Docker says no."""
    _compose("stop", *SERVICES)


def addresses() -> ExistingServers:
    """Where both listen on this machine. StartError when they do not run."""
    kafka, redis = (_address(name, port) for name, port in SERVICES.items())
    return ExistingServers(kafka, f"redis://{redis}/0")


def _address(name: str, port: int) -> str:
    return _compose("port", name, str(port)).strip().replace("0.0.0.0:", "127.0.0.1:")


def _compose(*arguments: str) -> str:
    docker = shutil.which("docker")
    if docker is None:
        raise StartError("No Docker engine is installed here. Leave --docker out: Kafka and Redis need none.")
    if not (_FOLDER / "docker-compose.yml").is_file():
        raise StartError(f"There is no docker-compose.yml in {_FOLDER}; --docker works in a checkout only.")
    said = subprocess.run(
        [docker, "compose", *arguments],
        cwd=_FOLDER,
        # Compose wants every variable of the file, though Kafka and Redis know nothing of this one.
        env={"HOTLINE_MASTER_KEY": "not-used-by-kafka-and-redis", **os.environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=_START_TIMEOUT_S,
    )
    if said.returncode != 0:
        raise StartError(
            f"`docker compose {' '.join(arguments)}` ended with exit {said.returncode}:\n"
            f"{said.stderr.strip()}\n"
            "Is the Docker engine running (`docker info`)? Without --docker none is needed."
        )
    return said.stdout

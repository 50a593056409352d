"""docker-compose.yml against the Compose specification and against what the project promises.

compose-spec.json is schema/compose-spec.json of github.com/compose-spec/compose-spec at 170098ba07d9 (Apache-2.0).
Images are not built or started here: that takes a Docker engine. `docker compose config` checks the file where the
Compose plugin is installed.
"""

import copy
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from prometheus_client import CollectorRegistry
from tools import ROOT, find

from schemas.topics import SERVICES
from services.runtime import health
from services.runtime.settings import METRICS_PORTS, Settings

FILE = ROOT / "docker-compose.yml"
SCHEMA = json.loads(Path(__file__).with_name("compose-spec.json").read_text())
OURS = (*SERVICES, "clock", "topics")
SECRET = re.compile(r"KEY$|PASSWORD|SECRET|TOKEN", re.IGNORECASE)
WRITES_ITS_IMAGE = {"kafka"}
"""Services whose image cannot run read-only; the file says why."""


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


def problems(file: dict[str, Any]) -> list[str]:
    """Say where the file breaks a promise."""
    found = []
    for name, service in file["services"].items():
        ports = [port for port in service.get("ports", []) if not str(port).startswith("127.0.0.1:")]
        found.extend(f"{name}: port {port} is open to other machines" for port in ports)
        if not re.search(r":v?\d+\.\d+\.\d+", service["image"]):
            found.append(f"{name}: image {service['image']} is not pinned")
        if service.get("user", "0").split(":")[0] in {"0", "root"}:
            found.append(f"{name}: runs as root")
        if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
            found.append(f"{name}: keeps privileges")
        if not service.get("read_only") and name not in WRITES_ITS_IMAGE:
            found.append(f"{name}: can write into its image")
        if "mem_limit" not in service:
            found.append(f"{name}: no memory limit")
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable) and not str(value).startswith("${") and str(value) not in {"true", "false"}:
                found.append(f"{name}: {variable} is in clear")
    return found


def test_the_file_follows_the_compose_specification() -> None:
    assert [] == [error.message for error in Draft7Validator(SCHEMA).iter_errors(compose())]


def test_a_misspelt_key_is_found() -> None:
    planted = compose()
    planted["services"]["router"]["depend_on"] = ["kafka"]
    assert [] != list(Draft7Validator(SCHEMA).iter_errors(planted))


def test_nothing_is_open_unpinned_privileged_or_in_clear() -> None:
    assert [] == problems(compose())


def test_each_broken_promise_is_found() -> None:
    planted = copy.deepcopy(compose())
    planted["services"]["router"] |= {
        "ports": ["8081:8081"],
        "image": "hotline-mesh:latest",
        "user": "0",
        "cap_drop": [],
    }
    planted["services"]["redis"] |= {"read_only": False, "environment": {"REDIS_PASSWORD": "hunter2"}}
    del planted["services"]["grafana"]["mem_limit"]
    assert 7 == len(problems(planted))


def test_the_six_services_are_there_each_on_its_metrics_port() -> None:
    services = compose()["services"]
    for name in SERVICES:
        assert ["run", name] == services[name]["command"]
        assert METRICS_PORTS[name] == services[name]["environment"]["HOTLINE_METRICS_PORT"]


def test_services_wait_for_kafka_redis_and_the_topics() -> None:
    for name in SERVICES:
        waits = {other: how["condition"] for other, how in compose()["services"][name]["depends_on"].items()}
        assert {
            "kafka": "service_healthy",
            "redis": "service_healthy",
            "topics": "service_completed_successfully",
        } == waits


def test_every_variable_of_ours_is_a_setting() -> None:
    settings = {f"HOTLINE_{name.upper()}" for name in Settings.model_fields} | {"KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL"}
    for name in OURS:
        assert set() == set(compose()["services"][name]["environment"]) - settings, name


def test_no_topic_is_created_by_accident() -> None:
    assert "false" == compose()["services"]["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"]


def test_prometheus_scrapes_the_ports_that_compose_gives() -> None:
    config = yaml.safe_load((ROOT / "ops" / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    targets = {target["labels"]["service"]: target["targets"] for target in job["static_configs"]}
    assert {name: [f"{name}:{port}"] for name, port in METRICS_PORTS.items()} == targets


def test_the_data_source_of_grafana_is_the_prometheus_of_the_file() -> None:
    file = yaml.safe_load((ROOT / "ops/grafana/provisioning/datasources/prometheus.yml").read_text())
    assert "http://prometheus:9090" == file["datasources"][0]["url"]
    provider = yaml.safe_load((ROOT / "ops/grafana/provisioning/dashboards/hotline.yml").read_text())["providers"][0]
    mounts = [volume.split(":") for volume in compose()["services"]["grafana"]["volumes"]]
    assert ["./ops/grafana/dashboards", provider["options"]["path"], "ro"] in mounts


@pytest.mark.parametrize(("reasons", "code"), [({}, 0), ({"event-loop": "silent for 31 s"}, 1)], ids=["live", "dead"])
def test_the_health_check_tells_the_live_from_the_dead(reasons: dict[str, str], code: int) -> None:
    server = health.serve("127.0.0.1", 0, CollectorRegistry(), lambda: reasons, dict)
    try:
        command = compose()["services"]["router"]["healthcheck"]["test"]
        assert "CMD" == command[0]
        environment = os.environ | {"HOTLINE_METRICS_PORT": str(server.server_address[1])}
        checked = subprocess.run(command[1:], env=environment, capture_output=True, timeout=30, check=False)
        assert code == checked.returncode
    finally:
        server.shutdown()
        server.server_close()


def _compose_plugin() -> str:
    docker = find("docker")
    if docker is None:
        pytest.skip("no docker client here")
    asked = subprocess.run([docker, "compose", "version"], capture_output=True, text=True, check=False, timeout=60)
    if asked.returncode != 0:
        pytest.skip("the docker client here has no compose plugin")
    return docker


@pytest.mark.parametrize(("key", "accepted"), [("k" * 44, True), (None, False)], ids=["with key", "without key"])
def test_docker_compose_takes_the_file(key: str | None, accepted: bool) -> None:
    docker = _compose_plugin()
    environment = {name: value for name, value in os.environ.items() if name != "HOTLINE_MASTER_KEY"}
    environment |= {"HOTLINE_MASTER_KEY": key} if key else {}
    checked = subprocess.run(
        [docker, "compose", "config", "-q"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert accepted == (checked.returncode == 0), checked.stderr
    assert accepted or "HOTLINE_MASTER_KEY" in checked.stderr

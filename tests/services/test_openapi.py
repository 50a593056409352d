"""The committed OpenAPI document is valid, complete, and what the routes say."""

from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import validate

from services.intake.gateway.__main__ import FILE, main, text
from services.intake.gateway.access import PERMISSIONS


def test_the_document_is_valid_openapi_3_1() -> None:
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_it_has_every_operation_of_the_permission_matrix_and_no_other() -> None:
    paths = yaml.safe_load(text())["paths"]
    assert {operation["operationId"] for path in paths.values() for operation in path.values()} == set(PERMISSIONS)


def test_a_drift_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["check"]) == 0
    drifted = tmp_path / "openapi.yaml"
    drifted.write_text(text().replace("/v1/tickets", "/v2/tickets"), encoding="utf-8")
    monkeypatch.setattr("services.intake.gateway.__main__.FILE", drifted)
    assert main(["check"]) == 1

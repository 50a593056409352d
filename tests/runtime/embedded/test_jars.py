"""The jars: fetched once, checked, and a clear refusal when they cannot be had or are not what was locked."""

import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.embedded.errors import NoNetworkError, StartError
from services.runtime.embedded.home import cache_folder
from services.runtime.embedded.jars import class_path, kafka_version, locked_jars
from services.runtime.ports import free_port

pytestmark = pytest.mark.broker


@pytest.fixture
def dead_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_MAVEN_REPOSITORY", f"http://127.0.0.1:{free_port()}/maven")


@pytest.fixture
def copied_cache(tmp_path: Path) -> Path:
    class_path(cache_folder())
    cache = tmp_path / "cache"
    shutil.copytree(cache_folder() / "maven", cache / "maven", ignore=shutil.ignore_patterns("*.pom"))
    return cache


@pytest.fixture
def forged_repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A repository that answers every request with other bytes than asked for."""

    class Forger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"forged")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HOTLINE_MAVEN_REPOSITORY", f"http://127.0.0.1:{server.server_port}/maven")
    yield
    server.shutdown()
    server.server_close()


def test_the_lock_names_a_kafka_4_and_the_hash_of_every_jar() -> None:
    jars = locked_jars()
    assert kafka_version().split(".")[0] == "4"
    assert {64} == {len(jar.sha256) for jar in jars}
    assert len(jars) == len({jar.coordinate for jar in jars})


@pytest.mark.usefixtures("dead_repository")
def test_a_second_start_touches_no_network(copied_cache: Path) -> None:
    assert len(locked_jars()) == len(class_path(copied_cache))
    assert all(path.is_file() for path in class_path(copied_cache))


@pytest.mark.usefixtures("dead_repository")
def test_no_network_and_no_jars_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoNetworkError, match=r"Cannot fetch .*HTTPS_PROXY.*HOTLINE_MAVEN_REPOSITORY"):
        class_path(tmp_path)


def test_a_half_fetched_jar_is_fetched_again(copied_cache: Path) -> None:
    jar = locked_jars()[1]
    whole = jar.path(copied_cache / "maven").read_bytes()
    jar.path(copied_cache / "maven").write_bytes(whole[: len(whole) // 2])
    class_path(copied_cache)
    assert whole == jar.path(copied_cache / "maven").read_bytes()


@pytest.mark.usefixtures("forged_repository")
def test_a_jar_with_other_contents_than_locked_is_refused_and_removed(copied_cache: Path) -> None:
    jar = locked_jars()[1]
    jar.path(copied_cache / "maven").unlink()
    with pytest.raises(StartError, match=f"{jar.coordinate} came with other contents"):
        class_path(copied_cache)
    assert not jar.path(copied_cache / "maven").exists()

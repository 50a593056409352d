"""One real Kafka and Redis for the whole test session; every test has topics of its own by prefix."""

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from services.core.policy import Policies, Policy
from services.runtime.embedded import infrastructure
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.mesh import Mesh
from services.runtime.policy_files import load_knowledge, load_policies
from services.runtime.settings import Settings
from tests.containers import containers
from tests.workers import pytest_collection_modifyitems, pytest_xdist_make_scheduler

# A shell starts what runs in its background with SIGINT ignored, and so would every process be that a test starts:
# those that are told to stop with Ctrl-C would never hear of it.
signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]
ROOT = Path(__file__).parent.parent
# No test asserts how long something takes: a busy machine is no defect.
hypothesis.settings.register_profile("mesh", deadline=None)
if hypothesis.settings.get_current_profile_name() == "default":  # a mutation run has a profile of its own
    hypothesis.settings.load_profile("mesh")
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def policies() -> Policies:
    return load_policies(ROOT / "ops", "weixi")


@pytest.fixture(scope="session")
def policy(policies: Policies) -> Policy:
    return policies.newest


@pytest.fixture(scope="session")
def knowledge(policy: Policy) -> KnowledgeIndex:
    return KnowledgeIndex(load_knowledge(ROOT / "ops", "weixi"), policy.calendar.zone)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Real Apache Kafka and Redis: embedded, or in containers if HOTLINE_TEST_SERVERS=containers.

    KAFKA_BOOTSTRAP_SERVERS and REDIS_URL select existing servers instead of embedded ones.
    """
    if os.environ.get("HOTLINE_TEST_SERVERS") == "containers":
        with containers() as found:
            yield found
        return
    with infrastructure(tmp_path_factory.mktemp("infrastructure")) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def new_settings(servers: object, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Settings]:
    """Make settings under which nobody else's topics, groups or files are met."""

    def make() -> Settings:
        return Settings(
            bootstrap_servers=servers.bootstrap_servers,  # type: ignore[attr-defined]
            redis_url=servers.redis_url,  # type: ignore[attr-defined]
            topic_prefix=f"t{os.getpid()}-{next(_numbers)}-",
            linger=0.002,
            watermark_interval=0.005,
            home=tmp_path_factory.mktemp("home"),
            policy_dir=ROOT / "ops",
        )

    return make


@pytest.fixture
def settings(new_settings: Callable[[], Settings]) -> Settings:
    return new_settings()


@pytest.fixture(scope="session")
def shared_mesh(new_settings: Callable[[], Settings], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """Six real service processes that several tests share; nobody may kill them."""
    with Mesh(new_settings(), tmp_path_factory.mktemp("mesh-logs")) as mesh:
        yield mesh


@pytest.fixture(scope="session")
def mesh_targets(shared_mesh: Mesh) -> list[str]:
    """host:port of each service's /metrics."""
    return [f"127.0.0.1:{port}" for port in shared_mesh.ports.values()]

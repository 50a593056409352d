"""A real Apache Kafka and a real Redis on this machine, without Docker and without a system Java.

    with EmbeddedCluster(home, brokers=3) as servers:
        servers.bootstrap_servers, servers.redis_url
        servers.brokers[0].kill()

`infrastructure(home)` gives the same, or the servers that the environment names.
"""

from services.runtime.embedded.broker import KafkaBroker
from services.runtime.embedded.cluster import EmbeddedCluster, ExistingServers, infrastructure
from services.runtime.embedded.errors import DiskFullError, NoNetworkError, PortTakenError, StartError
from services.runtime.embedded.home import hotline_home

__all__ = [
    "DiskFullError",
    "EmbeddedCluster",
    "ExistingServers",
    "KafkaBroker",
    "NoNetworkError",
    "PortTakenError",
    "StartError",
    "hotline_home",
    "infrastructure",
]

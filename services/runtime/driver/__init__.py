"""A Faust transport on librdkafka (confluent-kafka), chosen by the URL scheme `rdkafka://`.

What differs from Faust's own transports (ADR 0002 lists every internal that is replaced, and why):

* A fetched run of one partition is one stream event; the agent loops over it in plain Python.
* Changelog and outputs go through one idempotent librdkafka producer; a commit writes only the last value of a key.
* A commit has one order, each step acknowledged before the next: outputs, changelog, local store, offsets. State is
  never ahead of what was said. Processing goes on meanwhile.
* Partitions move one by one (cooperative): a moved partition is finished, committed and dropped before another worker
  gets it; only partitions that arrive are recovered, in batches, and their source is resumed after that, from the
  committed offset that the assignment itself named.
* A hole in the offsets of a source, a failed delivery or an error that nobody handled ends the worker: nothing is
  committed past it.

Use: `faust.App(..., broker="rdkafka://host:port", **APP_SETTINGS)`, tables from `app.Table`, and `follow` in place of
`app.agent`. Tables hold bytes, and each belongs to the one topic that it is folded from.
"""

import faust
from confluent_kafka import libversion

from services.runtime.driver.consumer import Consumer
from services.runtime.driver.follow import follow
from services.runtime.driver.partitions import NotOwnedError, Partition
from services.runtime.driver.producer import Producer, UndeliveredError
from services.runtime.driver.runs import OffsetGapError, Run
from services.runtime.driver.tables import Table, TableManager
from services.runtime.driver.transport import APP_SETTINGS, SCHEME, Transport

__all__ = [
    "APP_SETTINGS",
    "SCHEME",
    "TESTED_FAUST",
    "Consumer",
    "NotOwnedError",
    "OffsetGapError",
    "Partition",
    "Producer",
    "Run",
    "Table",
    "TableManager",
    "Transport",
    "UndeliveredError",
    "UntestedVersionError",
    "check_versions",
    "follow",
]

TESTED_FAUST = "0.15.3"
OLDEST_LIBRDKAFKA = (2, 12)


class UntestedVersionError(RuntimeError):
    """This driver replaces internals of one Faust version; another one must be tested first."""


def check_versions() -> None:
    """Refuse to start on versions that the driver was not tested with; raises `UntestedVersionError`."""
    if faust.__version__ != TESTED_FAUST:
        raise UntestedVersionError(
            f"Faust {faust.__version__} is installed; only {TESTED_FAUST} is tested with this driver"
        )
    found = tuple(int(part) for part in libversion()[0].split(".")[:2])
    if found < OLDEST_LIBRDKAFKA:
        raise UntestedVersionError(f"librdkafka {libversion()[0]} is installed; 2.12 or newer is needed")

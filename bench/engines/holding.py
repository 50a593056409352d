"""What a million open tickets weigh in a process without Kafka: the table, then its indexes; printed as JSON."""

import gc
import json
import sys

import psutil

from bench.timer import PARTITIONS, open_ticket, token
from bench.topics import ROOT
from services.runtime.driver.partitions import MemoryPartition
from services.runtime.engine import Engine
from services.runtime.policy_files import load_policies
from services.sla_timer.service import service
from services.sla_timer.state import dump


def main() -> None:
    """Fill, index, measure."""
    count = int(sys.argv[1])
    engine = Engine(service(load_policies(ROOT / "ops", "weixi")).folds[0])
    held = [MemoryPartition() for _ in range(PARTITIONS)]
    process, steps = psutil.Process(), []

    def measure() -> None:
        gc.collect()
        steps.append(process.memory_info().rss)

    measure()
    for number, partition in enumerate(held):
        tickets = range(number, count, PARTITIONS)
        partition.restore(((token(ticket).encode(), dump(open_ticket(ticket))) for ticket in tickets), count)
    measure()
    for number, partition in enumerate(held):
        engine.rebuild(number, partition.items(), partition)
    measure()
    value = len(dump(open_ticket(1)))
    print(
        json.dumps(
            {
                "bytes of a table value": value,
                "table: keys, values, dict": round((steps[1] - steps[0]) / count),
                "indexes: alarms, queue ages, clock counts": round((steps[2] - steps[1]) / count),
            }
        )
    )


if __name__ == "__main__":
    main()

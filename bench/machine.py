"""On what a figure was measured."""

import os
import platform
import re
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import confluent_kafka

from services.runtime.embedded.jars import kafka_version

PACKAGES = ("hotline-mesh", "faust-streaming", "aiokafka", "confluent-kafka", "pydantic", "rocksdict")


def machine() -> dict[str, Any]:
    """Give processor, cores, memory, kernel, and how busy the machine was just before."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB$", _text("/proc/meminfo"), re.MULTILINE)
    return {
        "cpu": cpu.group(1) if cpu else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(int(memory.group(1)) / 1e6, 1) if memory else None,
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def loop_ms() -> float:
    """Give how long a fixed loop of Python takes now, in ms: the same machine is not as fast at every hour."""

    def once() -> float:
        began, total = time.perf_counter(), 0
        for number in range(1_000_000):
            total += number & 7
        return (time.perf_counter() - began) * 1e3

    return round(statistics.median(once() for _ in range(25)), 1)


def versions() -> dict[str, str]:
    """Give the versions of what all benchmarks use; a benchmark adds those of what it compares with."""
    found = {
        "python": platform.python_version(),
        "kafka": kafka_version(),
        "librdkafka": confluent_kafka.libversion()[0],
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""

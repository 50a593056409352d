"""The benchmarks: each module here has a `BENCHMARK`, or is part of one that has."""

import importlib
import pkgutil

from bench.frame import Benchmark


def find() -> dict[str, Benchmark]:
    """Give every benchmark by name."""
    modules = [importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    found = [module.BENCHMARK for module in modules if hasattr(module, "BENCHMARK")]
    return {benchmark.name: benchmark for benchmark in sorted(found, key=lambda benchmark: benchmark.name)}

"""Benchmarks: `make bench`, never part of the tests. Each compares, in one run, on the same data and broker."""

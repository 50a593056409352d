"""`make bench ARGS="stream-job --quick"`: run benchmarks, all of them or those that are named."""

import argparse
import sys

from rich.console import Console

from bench import cases, report
from bench.frame import perform


def main() -> int:
    """Run what the command line names."""
    known = cases.find()
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description="Benchmarks; results in bench/results/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; none: all of them")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works; no results are kept")
    parser.add_argument("--times", type=int, help="repetitions; the benchmarks' own are three")
    parser.add_argument("--list", action="store_true", help="say what each benchmark measures")
    args = parser.parse_args()
    if args.list:
        for benchmark in known.values():
            print(f"{benchmark.name}: {benchmark.about}\n")
        return 0
    unknown = [name for name in args.names if name not in known]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    console = Console()
    for name in args.names or known:
        perform(known[name], console, quick=args.quick, times=args.times)
    if not args.quick:
        report.generate()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`hotline demo`: a real day of citizen requests through the whole mesh, in simulated time."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

EXAMPLE = Path("examples/la311-2017-12.csv.gz")
MAPPING = Path("examples/la311-mapping.yaml")
EXIT_UNBALANCED = 1
EXIT_INPUT = 2
EXIT_CONFIG = 78
EXIT_INTERRUPTED = 130


def demo(
    everything: Annotated[bool, typer.Option("--all", help="all requests of the file 全部工单")] = False,  # noqa: FBT002
    fast: Annotated[bool, typer.Option("--fast", help="a small sample, under a minute 快速")] = False,  # noqa: FBT002
    tickets: Annotated[int | None, typer.Option(help="size of the sample", min=1)] = None,
    source: Annotated[Path, typer.Option("--input", help="CSV or CSV.gz of the example's form")] = EXAMPLE,
    mapping: Annotated[Path, typer.Option(help="mapping file of the upstream adapter")] = MAPPING,
    seed: Annotated[int, typer.Option(help="the same seed gives the same facts")] = 12345,
    report: Annotated[Path, typer.Option(help="where the HTML report goes")] = Path(".hotline/demo/report.html"),
) -> None:
    """Play a real day of citizen requests through the whole mesh, and account for every ticket. 演示。

    Starts Kafka and Redis (or uses KAFKA_BOOTSTRAP_SERVERS and REDIS_URL), the six services, and runs weeks of
    simulated time in minutes. Exit code 0 only if every accepted ticket is accounted for.
    """
    # Imported here: plots and drivers are of no use to the service processes, which start by the same command line.
    from services.demo import performance as p
    from services.runtime.embedded.errors import StartError
    from services.runtime.policy_files import PolicyFileError
    from services.runtime.processes import ProcessFailedError

    console = Console()
    size = p.ALL if everything else p.FAST if fast else p.USUAL
    if tickets is not None:
        size = replace(size, tickets=tickets)
    try:
        balanced = p.perform(p.Wanted(size, source, mapping, seed, report), console)
    except p.NothingToPlayError as error:
        code, said = EXIT_INPUT, str(error)
    except PolicyFileError as error:
        code, said = EXIT_CONFIG, str(error)
    except KeyboardInterrupt:
        code, said = EXIT_INTERRUPTED, "stopped; every process of the demo has ended 已停止"
    except (StartError, ProcessFailedError) as error:
        code, said = getattr(error, "exit_code", 1), str(error)
    else:
        raise typer.Exit(0 if balanced else EXIT_UNBALANCED)
    console.print(said, style="red", highlight=False)
    raise typer.Exit(code)

"""The command line of the mesh: `hotline`."""

import typer

from services.cli import dev, run, topics

app = typer.Typer(
    name="hotline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The engine of a 12345 citizen hotline: six services over Kafka. 12345热线工单引擎。",
)
app.command()(run.run)
app.command()(run.clock)
app.add_typer(topics.app, name="topics")
app.add_typer(dev.app, name="dev")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

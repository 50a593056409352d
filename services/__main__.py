"""The command line of the mesh: `hotline`."""

import importlib.util
import sys

from services.runtime.collector import relax

relax()  # before the imports, which take a second

import typer  # noqa: E402

from services.cli import run  # noqa: E402

app = typer.Typer(
    name="hotline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The engine of a 12345 citizen hotline: six services over Kafka. 12345热线工单引擎。",
)
app.command()(run.run)
app.command()(run.clock)


def add_the_rest() -> None:
    """Add every command that no long-running process needs: they import much, which costs a worker time and memory."""
    from services.cli import access, dlq, explain, hot, knowledge, log, pii, replay, rules, score, topics, upstream

    app.command()(replay.replay)
    app.command("explain")(explain.explain_ticket)
    app.add_typer(log.app, name="log")
    app.add_typer(dlq.app, name="dlq")
    app.add_typer(pii.app, name="pii")
    app.add_typer(rules.app, name="rules")
    app.command()(hot.hot)
    score.app.command()(hot.leaks)
    app.add_typer(score.app, name="score")
    app.add_typer(knowledge.app, name="knowledge")
    app.add_typer(topics.app, name="topics")
    app.add_typer(upstream.app, name="upstream")
    app.add_typer(access.tokens, name="token")
    app.add_typer(access.platforms, name="platform")
    if importlib.util.find_spec("jgo") is not None:
        # The embedded infrastructure is an extra; a production image has neither `dev` nor `demo`.
        from services.cli import demo, dev

        app.add_typer(dev.app, name="dev")
        app.command()(demo.demo)


if sys.argv[1:2] not in (["run"], ["clock"]):
    add_the_rest()


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

"""``spinebot ...``: each command is a shell over a function that the rest uses too."""

from __future__ import annotations

import sys

import typer

from spinebot.cli import content, keeping, running, training
from spinebot.errors import SpinebotError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The spine clinic's chatbot.")
for _part in (running, training, content, keeping):
    app.add_typer(_part.app)


def main() -> None:
    """Run a command; an error that a person can mend is one clear message, not a traceback."""
    try:
        app()
    except SpinebotError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)

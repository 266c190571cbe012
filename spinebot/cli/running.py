"""Commands that run the bot and look at it."""

from __future__ import annotations

from typing import Annotated

import typer

from spinebot.cli.content import KNOWLEDGE
from spinebot.models import Role
from spinebot.settings import settings

app = typer.Typer()


@app.command()
def run() -> None:
    """Start the whole assistant; train first if there is no model. Ctrl-C ends it."""
    from spinebot import running

    raise typer.Exit(running.run())


@app.command()
def serve() -> None:
    """Start the web process alone."""
    import uvicorn

    from spinebot import logs
    from spinebot.settings import settings

    logs.set_up("web")

    # No access log: a conversation's address gives access to it.
    uvicorn.run(
        "spinebot.web.app:create_app",
        factory=True,
        host=settings().web_host,
        port=settings().web_port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
    )


@app.command("serve-rasa")
def serve_rasa() -> None:
    """Start Rasa with the live model, and change to another one when it is put live."""
    from spinebot import serving

    serving.serve()


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def rasa(context: typer.Context) -> None:
    """Run one of Rasa's own commands in its environment, e.g. `spinebot rasa data validate`."""
    from spinebot.training.rasa_process import run_rasa

    raise typer.Exit(run_rasa(*context.args))


@app.command()
def ask(question: Annotated[str, typer.Argument(help="What a visitor would type.")]) -> None:
    """Ask the running assistant a question, as a visitor would, and print its replies."""
    from spinebot import asking

    for reply in asking.ask(question):
        typer.echo(reply)
        typer.echo("")


@app.command()
def demo(
    conversations: Annotated[int, typer.Option(help="How many.", min=1)] = 400,
) -> None:
    """Fill an empty database with sample conversations and make an account for the console."""
    from spinebot import accounts, articles
    from spinebot import demo as samples
    from spinebot.db import upgrade, writing

    upgrade()
    with writing() as session:
        articles.load(session, articles.read_articles(KNOWLEDGE))
    with writing() as session:
        account, secret = accounts.invite(
            session, "sample@clinic.example", "Sam Sample", Role.ADMIN
        )
        count = samples.fill(session, conversations, account)
    typer.echo(f"{conversations} sample conversations with {count} messages are stored.")
    typer.echo(f"The console, as {account.email}; choose a password at")
    typer.echo(f"{settings().public_url}/console/welcome/{secret}")


@app.command("settings")
def settings_now(
    markdown: Annotated[bool, typer.Option(help="The table of docs/settings.md.")] = False,
) -> None:
    """Print every environment variable and what it is now; `*`: set. Secrets are not shown."""
    from spinebot import variables

    if markdown:
        typer.echo(variables.markdown())
        return
    width = max(len(variable.name) for variable in variables.VARIABLES)
    for name, value, is_set in variables.present():
        typer.echo(f"{'*' if is_set else ' '} {name:{width}}  {value}")
    settings()  # A value that cannot be used is an error here, as it is at the start.


@app.command()
def doctor() -> None:
    """Look at the whole installation: what is wrong, and what to do. Exit code 1 if anything is."""
    from spinebot import doctor as examination

    states = []
    for sign in examination.examine():
        states.append(sign.state)
        typer.echo(str(sign))
    bad, look = (states.count(each) for each in (examination.BAD, examination.LOOK))
    typer.echo(f"{len(states)} things looked at: {bad} bad, {look} to look at")
    raise typer.Exit(1 if bad else 0)

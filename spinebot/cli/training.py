"""Commands for trainers: data, intents, changes, models, the encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spinebot.errors import SpinebotError

app = typer.Typer()
data_app = typer.Typer(no_args_is_help=True, help="The training data.")
intents_app = typer.Typer(no_args_is_help=True, help="Intents: what visitors want.")
changes_app = typer.Typer(no_args_is_help=True, help="Changes of the training data and articles.")
models_app = typer.Typer(no_args_is_help=True, help="Trained models, and which one is live.")
encoder_app = typer.Typer(no_args_is_help=True, help="The sentence encoder.")
for _name, _group in (
    ("data", data_app),
    ("intents", intents_app),
    ("changes", changes_app),
    ("models", models_app),
    ("encoder", encoder_app),
):
    app.add_typer(_group, name=_name)


@app.command()
def train(
    keep: Annotated[bool, typer.Option(help="Train and measure; do not put it live.")] = False,
) -> None:
    """Train a model from data/, config.yml and domain.yml, and put it live."""
    from spinebot.training import evaluation, models
    from spinebot.training.progress import Progress

    with Progress() as progress:
        model = models.train(progress)
        progress.step("measuring")
        found = evaluation.check(model)
    _say_figures(found)
    if keep:
        typer.echo(f"{model.name} may go live: spinebot models promote {model.name}")
    else:
        _put_live(model.name, "spinebot", "trained")


def _say_figures(found: Any) -> None:
    for measure in found.measures:
        typer.echo(f"    {measure.name}: {measure.share:.1%} of {measure.count}")
    if noise := found.noise():
        typer.echo(
            f"    cross-validation: {min(noise):.1%} to {max(noise):.1%} "
            f"({len(noise)} seeds; of examples that the encoder was not tuned with)"
        )


def _put_live(name: str, who: str, why: str) -> None:
    from spinebot import releases
    from spinebot.db import upgrade, writing

    upgrade()
    with writing() as session:
        releases.promote(session, name, who, why)
    typer.echo(f"{name} is live; a bot that runs changes to it within half a minute.")


@data_app.command("check")
def data_check() -> None:
    """Check the training data: YAML, duplicates, leaks into the tests, personal data, intents.

    Rasa's own validation is a part of it.
    """
    from spinebot.training import validation

    found = validation.faults()
    for fault in found:
        typer.echo(fault)
    typer.echo(f"The training data: {len(found)} faults")
    raise typer.Exit(1 if found else 0)


@data_app.command("add")
def data_add(
    intent: Annotated[str, typer.Argument(help="An intent of data/nlu.yml.")],
    text: Annotated[str, typer.Argument(help="What a visitor says.")],
    who: Annotated[str, typer.Option(help="Whom the commit names.")] = "spinebot@localhost",
) -> None:
    """Add an example to an intent; nothing else in the file changes."""
    from spinebot.training import examples

    for found in examples.add(intent, [text], who):
        typer.echo(f"{examples.TRAINING}:{found.line}: {found.text}")


@data_app.command("remove")
def data_remove(
    intent: Annotated[str, typer.Argument(help="Its intent.")],
    text: Annotated[str, typer.Argument(help="The example, word for word.")],
    who: Annotated[str, typer.Option(help="Whom the commit names.")] = "spinebot@localhost",
) -> None:
    """Take an example out."""
    from spinebot.training import examples

    examples.remove(intent, [text], who)
    typer.echo("It is out.")


@data_app.command("export")
def data_export(
    file: Annotated[Path, typer.Argument(help="Where to: .csv, or .yml for Rasa's own form.")],
) -> None:
    """Write the training examples into a file."""
    from spinebot.training import exchange

    if file.exists():
        typer.confirm(f"{file} is there already. Overwrite it?", abort=True)
    kind = "csv" if file.suffix == ".csv" else "yml"
    file.write_text(exchange.export(kind), encoding="utf-8")
    typer.echo(f"{file} is written.")


@data_app.command("import")
def data_import(
    file: Annotated[Path, typer.Argument(help="A .csv with intent and text, or Rasa's YAML.")],
    overwrite: Annotated[
        bool, typer.Option(help="Move examples that stand in another intent.")
    ] = False,
    yes: Annotated[bool, typer.Option(help="Do not ask.")] = False,
    who: Annotated[str, typer.Option(help="Whom the commit names.")] = "spinebot@localhost",
) -> None:
    """Add the examples of a file, after showing what would change; overwrites nothing by itself."""
    from spinebot.training import exchange

    try:
        pairs = exchange.read(file.name, file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpinebotError(f"{file} cannot be read: {error}") from error
    found = exchange.preview(pairs)
    typer.echo(str(found))
    if not found.count and not (overwrite and found.moved):
        typer.echo("There is nothing to add.")
    elif yes or typer.confirm("Do it?"):
        exchange.apply(pairs, who, overwrite=overwrite)
        typer.echo("Done; `spinebot changes undo` takes it back.")


@intents_app.command("list")
def intents_list() -> None:
    """List the intents with how many examples and test sentences each has."""
    from collections import Counter

    from spinebot.training import changes, examples

    taught = Counter(e.intent for e in examples.read(changes.project() / examples.TRAINING))
    tested = Counter(e.intent for e in examples.read(changes.project() / examples.TESTS))
    for name in sorted(taught):
        typer.echo(f"{name}: {taught[name]} examples, {tested[name]} test sentences")


@intents_app.command("add")
def intents_add(
    file: Annotated[Path, typer.Argument(help="A draft: name, wants, title, section and so on.")],
    yes: Annotated[bool, typer.Option(help="Do not ask.")] = False,
    who: Annotated[str, typer.Option(help="Whom the commit names.")] = "spinebot@localhost",
) -> None:
    """Add a question intent to every file that it stands in; shows the diff and asks first."""
    from spinebot.training import intents, likeness

    draft = intents.read_draft(file)
    for each in likeness.advice(draft.name, draft.examples, draft.tests):
        typer.echo(f"look at: {each.text}: {each.says}")
    typer.echo(intents.preview(draft))
    if yes or typer.confirm(f"Add {draft.name}?"):
        intents.add(draft, who)
        typer.echo(f"{draft.name} is added; `spinebot train` learns it.")


@changes_app.command("list")
def changes_list() -> None:
    """List what was changed in the console or by a command, the newest first."""
    from spinebot.training import changes

    for each in changes.history():
        commit = f" ({each.commit})" if each.commit else ""
        typer.echo(f"{each.id} {each.at:%Y-%m-%d %H:%M} {each.who}: {each.subject}{commit}")


@changes_app.command("undo")
def changes_undo(
    number: Annotated[int, typer.Argument(help="As `spinebot changes list` numbers it.")],
    who: Annotated[str, typer.Option(help="Whom the commit names.")] = "spinebot@localhost",
) -> None:
    """Take a change back, also after later ones."""
    from spinebot.training import changes

    typer.echo(f"Taken back: {changes.undo(number, who).subject}")


@models_app.command("list")
def models_list() -> None:
    """List the models with what was measured of them; * is live."""
    from spinebot import releases
    from spinebot.training import models

    live = models.live_model()
    for model in releases.trained():
        shares = [f"{each['name']} {each['share']:.1%}" for each in releases.figures(model)]
        measured = ", ".join(shares) or "not measured"
        typer.echo(f"{'*' if model == live else ' '} {model.name}: {measured}")


@models_app.command("evaluate")
def models_evaluate(
    name: Annotated[
        str, typer.Argument(help="As `spinebot models list` names it; else live.")
    ] = "",
) -> None:
    """Measure a model and hold it against release.yml; exit code 1 if it may not go live."""
    from spinebot import releases
    from spinebot.training import evaluation

    found = evaluation.evaluate(releases.model(name))
    _say_figures(found)
    for score in found.scores()[:10]:
        others = ", ".join(f"{other} ({count})" for other, count in score.confused)
        typer.echo(f"    {score.intent}: recall {score.recall or 0:.0%}; taken for {others or '-'}")
    wrong = evaluation.faults(found)
    for fault in wrong:
        typer.echo(fault)
    raise typer.Exit(1 if wrong else 0)


@models_app.command("notes")
def models_notes(
    name: Annotated[str, typer.Argument(help="As `spinebot models list` names it.")],
) -> None:
    """Print the release notes of a model: what was taught since the live one, and the figures."""
    from spinebot import releases

    typer.echo(releases.notes(releases.model(name)))


@models_app.command("replay")
def models_replay(
    name: Annotated[str, typer.Argument(help="As `spinebot models list` names it.")],
    last: Annotated[int, typer.Option(help="How many conversations.", min=1)] = 200,
) -> None:
    """Play the last conversations to a model, and list where the live model understands else."""
    from spinebot import releases
    from spinebot.db import reading, upgrade
    from spinebot.training import replay

    upgrade()
    with reading() as session:
        found = replay.run(session, releases.model(name), releases.model(), last)
        shown = replay.shown(session, found.turns)
    for each in shown:
        typer.echo(f"{each['message'].text}: {each['before']} -> {each['after']}")
    typer.echo(f"{found.messages} messages, {len(found.turns)} understood differently")


@models_app.command("promote")
def models_promote(
    name: Annotated[str, typer.Argument(help="As `spinebot models list` names it.")],
    why: Annotated[str, typer.Option(help="Stands in the history.")] = "",
) -> None:
    """Put a model live, if its figures reach release.yml."""
    _put_live(name, "spinebot", why)


@models_app.command("rollback")
def models_rollback(
    why: Annotated[str, typer.Option(help="Stands in the history.")] = "rolled back",
) -> None:
    """Put the model live that was so before this one."""
    from spinebot import releases
    from spinebot.db import reading, upgrade

    upgrade()
    with reading() as session:
        name = releases.before_this(session)
    if name is None:
        raise SpinebotError("No model was live before this one.")
    _put_live(name, "spinebot", why)


@encoder_app.command("build")
def encoder_build() -> None:
    """Write the encoder's ONNX file from the weights package."""
    from spinebot.language.encoder import encoder_directory
    from spinebot.training.encoder_graph import build

    typer.echo(f"{build(encoder_directory())} is built")

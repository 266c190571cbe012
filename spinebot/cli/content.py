"""Commands over what the bot knows: articles, the clinic's entries, red flags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinebot import clinic as clinic_entries
from spinebot.errors import SettingsError, SpinebotError
from spinebot.settings import settings

app = typer.Typer()
articles_app = typer.Typer(no_args_is_help=True, help="The knowledge base.")
clinic_app = typer.Typer(no_args_is_help=True, help="The clinic's entries, clinic.yml.")
red_flags_app = typer.Typer(no_args_is_help=True, help="The red-flag rules.")
for _name, _group in (
    ("articles", articles_app),
    ("clinic", clinic_app),
    ("red-flags", red_flags_app),
):
    app.add_typer(_group, name=_name)

Knowledge = Annotated[Path, typer.Option(help="The folder with <topic>/<slug>.md.")]
KNOWLEDGE = Path("knowledge")
LEAST_CONTRAST = 4.5  # of text and ground: WCAG 2.2, 1.4.3


@articles_app.command("load")
def articles_load(knowledge: Knowledge = KNOWLEDGE) -> None:
    """Load the articles into the database. Visitors get the new wording at once."""
    from spinebot import articles
    from spinebot.db import reading, upgrade, writing

    files = articles.read_articles(knowledge)
    upgrade()
    with reading() as session:
        vectors = articles.make_vectors(session, files)
    with writing() as session:
        loaded = articles.load(session, files, vectors)
    typer.echo(str(loaded))


@articles_app.command("check")
def articles_check(knowledge: Knowledge = KNOWLEDGE) -> None:
    """Check the articles: fields, sections, how hard to read, and what must never be said."""
    from spinebot import articles
    from spinebot.articles import cautions, glossary, reading

    files = articles.read_articles(knowledge)
    typer.echo(glossary.check(knowledge))
    hard = list(articles.hard_sections(files))
    for section in hard:
        typer.echo(f"{section.place}: grade {section.grade}, the limit is {articles.HARDEST_GRADE}")
        for sentence in section.sentences:
            typer.echo(f"    hard: {sentence}")
    entries = clinic_entries.read_clinic(settings().clinic_file)
    faults = [
        *reading.whole_faults(files),
        *cautions.article_faults(files),
        *cautions.clinic_faults(entries),
    ]
    for fault in faults:
        typer.echo(fault)
    typer.echo(f"{len(files)} articles checked, {len(hard)} sections too hard to read")
    typer.echo(f"Mean grade {reading.mean_grade(files)}; {len(faults)} other faults")
    raise typer.Exit(1 if hard or faults else 0)


@clinic_app.command("check")
def clinic_check() -> None:
    """Check clinic.yml, and say whether it still holds the sample clinic."""
    file = settings().clinic_file
    entries = clinic_entries.read_clinic(file)
    if (contrast := entries.colors.contrast) < LEAST_CONTRAST:
        raise SettingsError(
            f"{file.name}: colors: on_primary on primary has a contrast of {contrast:.1f} to 1; "
            f"text can be read from {LEAST_CONTRAST} to 1 (WCAG 2.2, 1.4.3)"
        )
    sample = " (the sample: put your own clinic in)" if entries.is_sample else ""
    typer.echo(f"{file.name} speaks for {entries.name}, {entries.phone}{sample}")


@red_flags_app.command("check")
def red_flags_check(
    message: Annotated[str, typer.Argument(help="What a visitor might say.")] = "",
) -> None:
    """Check the rules, and say what they find in a message."""
    from spinebot import safety

    try:
        found = safety.check(message)
    except safety.RedFlagsError as error:
        raise SpinebotError(f"red_flags.yml: {error}") from error
    for finding in found:
        words = ", ".join(finding.evidence)
        typer.echo(f"{finding.rule} {finding.name}: {finding.action.value} ({words})")
    typer.echo("The red-flag rules are in order.")

"""``spinebot ...``: each command is a shell over a function that the rest uses too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from spinebot import clinic as clinic_entries
from spinebot.errors import SettingsError, SpinebotError
from spinebot.models import Role
from spinebot.settings import settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The spine clinic's chatbot.")
articles_app = typer.Typer(no_args_is_help=True, help="The knowledge base.")
database_app = typer.Typer(no_args_is_help=True, help="The database.")
encoder_app = typer.Typer(no_args_is_help=True, help="The sentence encoder.")
red_flags_app = typer.Typer(no_args_is_help=True, help="The red-flag rules.")
accounts_app = typer.Typer(no_args_is_help=True, help="Accounts of staff.")
data_app = typer.Typer(no_args_is_help=True, help="The training data.")
models_app = typer.Typer(no_args_is_help=True, help="Trained models, and which one is live.")
intents_app = typer.Typer(no_args_is_help=True, help="Intents: what visitors want.")
changes_app = typer.Typer(no_args_is_help=True, help="Changes of the training data and articles.")
privacy_app = typer.Typer(no_args_is_help=True, help="What a person may ask; how long data stay.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit trail.")
clinic_app = typer.Typer(no_args_is_help=True, help="The clinic's entries, clinic.yml.")
keys_app = typer.Typer(no_args_is_help=True, help="A new secret key for a bot that has data.")
for name, group in (
    ("articles", articles_app),
    ("database", database_app),
    ("encoder", encoder_app),
    ("clinic", clinic_app),
    ("accounts", accounts_app),
    ("audit", audit_app),
    ("keys", keys_app),
    ("models", models_app),
    ("data", data_app),
    ("intents", intents_app),
    ("changes", changes_app),
    ("privacy", privacy_app),
    ("red-flags", red_flags_app),
):
    app.add_typer(group, name=name)

Knowledge = Annotated[Path, typer.Option(help="The folder with <topic>/<slug>.md.")]
KNOWLEDGE = Path("knowledge")
LEAST_CONTRAST = 4.5  # of text and ground: WCAG 2.2, 1.4.3


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


@app.command()
def ask(question: Annotated[str, typer.Argument(help="What a visitor would type.")]) -> None:
    """Ask the running assistant a question, as a visitor would, and print its replies."""
    from spinebot import asking

    for reply in asking.ask(question):
        typer.echo(reply)
        typer.echo("")


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


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to: an archive, .tar.gz.")],
) -> None:
    """Write everything into one archive, while the bot runs; the secret key is not in it."""
    from spinebot import backups

    made = backups.back_up(file)
    rows = sum(made.rows.values())
    typer.echo(f"{file}: {rows} rows of {len(made.rows)} tables, model {made.model or '-'}")
    typer.echo("Keep the secret key in another place: without it nothing sealed can be read.")


@app.command("restore")
def restore_command(
    file: Annotated[Path, typer.Argument(help="What `spinebot backup` has written.")],
    replace: Annotated[bool, typer.Option(help="Also where there are conversations.")] = False,
    only_check: Annotated[bool, typer.Option("--check", help="Only read it to its end.")] = False,
) -> None:
    """Put a backup into the settings' database, SQLite or PostgreSQL, and its model live."""
    from spinebot import backups

    found = backups.check(file)
    if not only_check:
        backups.restore(file, replace=replace)
    rows = sum(found.rows.values())
    typer.echo(f"{'In order' if only_check else 'Restored'}: {rows} rows, of {found.made_at}")


@database_app.command("upgrade")
def database_upgrade() -> None:
    """Bring the tables to the newest revision."""
    from spinebot.db import upgrade

    upgrade()
    typer.echo("The database is at the newest revision.")


@encoder_app.command("build")
def encoder_build() -> None:
    """Write the encoder's ONNX file from the weights package."""
    from spinebot.language.encoder import encoder_directory
    from spinebot.training.encoder_graph import build

    typer.echo(f"{build(encoder_directory())} is built")


@accounts_app.command("invite")
def accounts_invite(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    name: Annotated[str, typer.Argument(help="Seen by colleagues; visitors see the first word.")],
    role: Annotated[Role, typer.Option(help="What the account may do.")] = Role.ADMIN,
) -> None:
    """Make an account for the console and print the link that sets its password, once."""
    from spinebot import accounts, audit
    from spinebot.db import upgrade, writing

    upgrade()
    with writing() as session:
        account, secret = accounts.invite(session, email, name, role)
        audit.record(session, "spinebot", "made an account", account.email, role.value)
    typer.echo(
        f"{account.name} may sign in as {role.value}. To set a password, once, within 3 days:"
    )
    typer.echo(f"{settings().public_url}/console/welcome/{secret}")


Contact = Annotated[str, typer.Argument(help="The phone number or e-mail address that was left.")]


@privacy_app.command("export")
def privacy_export(contact: Contact) -> None:
    """Print everything that there is of a person, as JSON."""
    from spinebot import audit, privacy
    from spinebot.db import writing

    with writing() as session:
        person = privacy.find(session, contact)
        if not person.is_known:
            raise SpinebotError("There is nothing of this person.")
        for handoff in person.handoffs:
            audit.record(session, "spinebot", "exported", f"handoff {handoff.id}")
        typer.echo(privacy.as_json(privacy.export(session, person)))


@privacy_app.command("erase")
def privacy_erase(contact: Contact) -> None:
    """Delete everything that there is of a person, also in Rasa's memory."""
    from spinebot import privacy
    from spinebot.db import writing

    with writing() as session:
        person = privacy.find(session, contact)
        if not person.is_known:
            raise SpinebotError("There is nothing of this person.")
        ids = privacy.erase(session, person, "spinebot")
    privacy.forget_in_rasa(ids)
    typer.echo(f"{len(person.handoffs)} requests and {len(ids)} conversations are deleted.")


@privacy_app.command("clean")
def privacy_clean() -> None:
    """Delete what is older than `retention` of clinic.yml, now instead of at night."""
    from spinebot import privacy
    from spinebot.db import writing

    with writing() as session:
        typer.echo(str(privacy.clean(session)))


@keys_app.command("add")
def keys_add() -> None:
    """Put a new secret key before the present one, which stays good."""
    from spinebot import rotation

    path = rotation.add()
    typer.echo(f"A new key stands first in {path}. Restart the bot, then: spinebot keys reseal")


@keys_app.command("reseal")
def keys_reseal() -> None:
    """Seal and sign everything with the newest key, while the bot runs."""
    from spinebot import rotation

    found = rotation.reseal()
    typer.echo(
        f"{found.values} values are sealed anew, {found.contacts} contacts can be found by the new "
        f"key, {found.trail} entries of the audit trail are signed anew (newest hash: "
        f"{found.newest}). Chats go on as long as the old key is there; after a day or two: "
        "spinebot keys drop"
    )


@keys_app.command("drop")
def keys_drop() -> None:
    """Take the older key away, when nothing needs it any more."""
    from spinebot import rotation

    path = rotation.drop()
    typer.echo(f"{path} holds the new key alone. Restart the bot, and keep a copy of the file.")


@audit_app.command("verify")
def audit_verify() -> None:
    """Check that no entry of the audit trail was changed, taken out or put in between."""
    from spinebot import audit
    from spinebot.db import reading

    with reading() as session:
        count, broken = audit.verify(session)
        newest = audit.newest_hash(session)
    if broken is not None:
        raise SpinebotError(
            f"The audit trail is broken at entry {broken}; {count} before it are in order."
        )
    typer.echo(f"{count} entries are in order. Newest hash: {newest}")


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


def main() -> None:
    """Run a command; an error that a person can mend is one clear message, not a traceback."""
    try:
        app()
    except SpinebotError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)

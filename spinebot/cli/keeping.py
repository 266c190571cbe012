"""Commands over what is kept: the database, backups, accounts, people's data, keys, the trail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinebot.errors import SpinebotError
from spinebot.models import Role
from spinebot.settings import settings

app = typer.Typer()
database_app = typer.Typer(no_args_is_help=True, help="The database.")
accounts_app = typer.Typer(no_args_is_help=True, help="Accounts of staff.")
privacy_app = typer.Typer(no_args_is_help=True, help="What a person may ask; how long data stay.")
keys_app = typer.Typer(no_args_is_help=True, help="A new secret key for a bot that has data.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit trail.")
for _name, _group in (
    ("database", database_app),
    ("accounts", accounts_app),
    ("privacy", privacy_app),
    ("keys", keys_app),
    ("audit", audit_app),
):
    app.add_typer(_group, name=_name)

Contact = Annotated[str, typer.Argument(help="The phone number or e-mail address that was left.")]


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

"""Every environment variable that is read: what it means, what holds without it, what is allowed.

`spinebot settings` prints them with what they are now; the table of ``docs/settings.md`` is made of
them (`spinebot settings --markdown`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LIMIT = "`<number>/second`, `minute`, `hour` or `day`"
ADDRESS = "begins with `http://` or `https://`"
PORT = "1 to 65535"


@dataclass(frozen=True)
class Variable:
    """A setting. Texts are Markdown, of one line."""

    name: str
    meaning: str
    default: str  # in words, or the value itself between back quotes
    allowed: str
    is_secret: bool = False  # holds, or may hold, a password or a key

    @property
    def value(self) -> str:
        """The default as it would stand in the environment."""
        return self.default.strip("`")


VARIABLES = (
    Variable(
        "SPINEBOT_DATA_DIR",
        "everything written at run time: databases, key, models, logs, Rasa's cache. A "
        "second copy of the bot needs one of its own",
        "`var` in the project",
        "a folder; made where missing; no spaces in the path",
    ),
    Variable(
        "SPINEBOT_CLINIC_FILE",
        "what differs from clinic to clinic",
        "`clinic.yml` in the project",
        "an existing file",
    ),
    Variable(
        "SPINEBOT_DATABASE_URL",
        "the database",
        "`spinebot.db` in the data folder, SQLite",
        "`sqlite:///<path>` or `postgresql://user:password@host/name`",
        is_secret=True,
    ),
    Variable(
        "SPINEBOT_REDIS_URL",
        "what several web processes share: the counts behind the limits, news of messages, "
        "and who runs a turn. Needed as soon as there is more than one, all with the same "
        "database and secret key",
        "none: there is one",
        "`redis://host:port/number`",
        is_secret=True,
    ),
    Variable(
        "SPINEBOT_RASA_URL",
        "where the web process finds Rasa, when it is not on this machine or stands behind "
        "a balancer",
        "`http://127.0.0.1:` and the port",
        ADDRESS,
    ),
    Variable(
        "SPINEBOT_SECRET_KEY",
        "seals personal data, signs buttons, makes the token for Rasa's HTTP API. A new key "
        "stands before the old one, with a blank between them "
        "([how](operations.md#a-new-secret-key)); another key alone makes what is sealed "
        "unreadable",
        "the file of the next line",
        "at least 32 characters",
        is_secret=True,
    ),
    Variable(
        "SPINEBOT_SECRET_KEY_FILE",
        "a file that holds the key",
        "`secret_key` in the data folder, made on first use with mode 0600",
        "an existing file with at least 32 characters",
    ),
    Variable(
        "SPINEBOT_LOG",
        "how the processes write their logs, to standard error",
        "`text`",
        "`text`, or `json` for an object a line",
    ),
    Variable(
        "SPINEBOT_WEB_HOST",
        "the address that the web process listens on",
        "`127.0.0.1`",
        "an address of the machine that includes loopback (`0.0.0.0`), or loopback",
    ),
    Variable(
        "SPINEBOT_WEB_PORT",
        "its port",
        "`8000`",
        PORT,
    ),
    Variable(
        "SPINEBOT_RASA_PORT",
        "Rasa's port, always on loopback",
        "`5005`",
        PORT,
    ),
    Variable(
        "SPINEBOT_ACTIONS_PORT",
        "the action server's port, always on loopback",
        "`5055`",
        PORT,
    ),
    Variable(
        "SPINEBOT_RASA_TIMEOUT",
        "seconds that the web process waits for Rasa's answer before it apologises",
        "`10`",
        "above 0, up to 120",
    ),
    Variable(
        "SPINEBOT_PUBLIC_URL",
        "the bot's address as visitors know it; stands in the link of every answer's text",
        "`http://localhost:<web port>`",
        ADDRESS,
    ),
    Variable(
        "SPINEBOT_LIMIT_MESSAGES",
        "messages that one conversation may send; an emergency always gets through",
        "`20/minute`",
        LIMIT,
    ),
    Variable(
        "SPINEBOT_LIMIT_ADDRESS",
        "messages from one address",
        "`60/minute`",
        LIMIT,
    ),
    Variable(
        "SPINEBOT_LIMIT_CONVERSATIONS",
        "conversations that one address may begin",
        "`30/hour`",
        LIMIT,
    ),
    Variable(
        "SPINEBOT_LIMIT_HANDOFFS",
        "details that one address may leave in the widget's form",
        "`10/hour`",
        LIMIT,
    ),
    Variable(
        "SPINEBOT_LIMIT_LOGINS",
        "tries of one address to sign in to the console; an account is locked for 15 "
        "minutes after five wrong ones",
        "`30/hour`",
        LIMIT,
    ),
    Variable(
        "SPINEBOT_SECOND_FACTOR",
        "who must sign in to the console with a second factor; who has none yet can do nothing "
        "but set it up",
        "`nobody`",
        "`nobody`, `administrators`, `everybody`",
    ),
    Variable(
        "SPINEBOT_SMTP_URL",
        "the mail server through which staff are told of requests (`desk` in `clinic.yml` "
        "says whom) and of changes to their account",
        "none: no mail",
        "`smtp://user:password@host:587` (STARTTLS where offered), `smtps://...`",
        is_secret=True,
    ),
    Variable(
        "SPINEBOT_MAIL_FROM",
        "the sender of these mails",
        "`spinebot@localhost`",
        "an address",
    ),
    Variable(
        "SPINEBOT_WEBHOOK_URL",
        "an address of the clinic's own system that is told of requests ([what it "
        "gets](console.md#what-is-told-to-whom))",
        "none",
        ADDRESS,
    ),
    Variable(
        "SPINEBOT_WEBHOOK_SECRET",
        "signs these calls",
        "none",
        "at least 16 characters",
        is_secret=True,
    ),
    Variable(
        "SPINEBOT_MODEL",
        "the model that `spinebot serve-rasa` serves first, until another one is put live",
        "the live one",
        "a file",
    ),
    Variable(
        "SPINEBOT_ENCODER_DIR",
        "the folder with `encoder.onnx` and `tokenizer.json`",
        "`.venv/encoder`",
        "a folder",
    ),
)
BY_NAME = {variable.name: variable for variable in VARIABLES}


def default(name: str) -> str:
    """Return what holds where the variable is not set."""
    return BY_NAME[name].value


def markdown() -> str:
    """Return the table of the documents."""
    lines = ["| variable | meaning | default | allowed |", "| --- | --- | --- | --- |"]
    lines += [f"| `{v.name}` | {v.meaning} | {v.default} | {v.allowed} |" for v in VARIABLES]
    return "\n".join(lines)


def present(environ: Mapping[str, str] = os.environ) -> Iterator[tuple[str, str, bool]]:
    """Yield each variable's name, what it is now, and whether the environment says so.

    What may hold a secret is not shown.
    """
    for variable in VARIABLES:
        found = environ.get(variable.name) or ""
        shown = "(set; not shown)" if found and variable.is_secret else found
        yield variable.name, shown or variable.value.replace("`", ""), bool(found)

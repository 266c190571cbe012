"""What the console's tests share: accounts, and a browser that is signed in."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from starlette.testclient import TestClient

from spinebot import accounts, conversations
from spinebot.conversations import Understood
from spinebot.db import reading, writing
from spinebot.models import Account, Conversation, Message, Role, Unanswered

PASSWORD = "a good long password"


def new_account(role: Role = Role.ADMIN, name: str = "Ann Sample") -> Account:
    """Return an account with a password."""
    with writing() as session:
        email = f"{name.split()[0].lower()}-{role.value}@clinic.example"
        account, _ = accounts.invite(session, email, name, role)
        accounts.set_password(session, account, PASSWORD)
        return account


def sign_in(client: TestClient, account: Account) -> TestClient:
    """Sign a browser in."""
    done = client.post(
        "/console/login",
        data={"email": account.email, "password": PASSWORD},
        follow_redirects=False,
    )
    assert done.status_code == 303, done.text
    return client


def csrf(client: TestClient) -> str:
    """Return what this browser's forms carry."""
    found = re.search(r'data-csrf="([0-9a-f]+)"', client.get("/console/account").text)
    assert found
    return found[1]


def send(client: TestClient, path: str, **data: Any) -> Any:
    """Send a form of the console's own."""
    return client.post(
        f"/console/{path}", data={"csrf": csrf(client), **data}, follow_redirects=False
    )


def talk(*texts: str, intent: str = "ask_disc_spasm_cause", **more: Any) -> Conversation:
    """Return a conversation in which a visitor said this, and the bot replied to each."""
    with writing() as session:
        conversation, _ = conversations.start(session, "https://www.clinic.example/page")
        for number, text in enumerate(texts):
            message, _ = conversations.say(session, conversation, text, f"key {number:04}")
            understood = Understood(intent=intent, confidence=0.8, actions=["action_x"], **more)
            reply = {"text": "An answer.", "custom": {"type": "answer"}}
            conversations.reply(session, conversation, message, [reply], understood)
        return conversation


def fresh(conversation: Conversation) -> Conversation:
    """Return a conversation as it is now."""
    with reading() as session:
        return session.get_one(Conversation, conversation.id)


def leave_unanswered(near: dict[str, int] | None = None) -> None:
    """Keep all that visitors said as questions that nobody answered.

    near: words of a question -> the section that comes nearest to it.
    """
    with writing() as session:
        for message in session.scalars(sa.select(Message).where(Message.sender == "visitor")):
            hits = [section for words, section in (near or {}).items() if words in message.text]
            session.add(
                Unanswered(
                    message_id=message.id,
                    conversation_id=message.conversation_id,
                    question=message.text,
                    ranking=[],
                    section_id=hits[0] if hits else None,
                    score=0.7 if hits else None,
                )
            )

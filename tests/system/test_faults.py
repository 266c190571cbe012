"""Whatever dies, the visitor hears of it and nothing that was said is lost."""

from __future__ import annotations

import signal
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.system.assistant import Assistant, Visitor, wait_until

PHONE = "+1 555 010 0199"
REPORT = "i can't pee and my legs are numb"


@pytest.mark.parametrize("part", ["actions", "rasa"])
def test_a_dead_part_is_said_and_survived(
    visitor: Visitor, assistant: Assistant, part: str
) -> None:
    visitor.say("heat or ice?")
    assistant.kill(part)
    (sorry,) = visitor.say("how long do spasms last?")
    assert sorry["custom"]["type"] == "error"
    assert PHONE in sorry["text"]
    assert part in assistant.missing()
    assistant.start(part)
    assistant.wait_until_ready()
    (answer,) = visitor.say("how long do spasms last?")
    assert answer["custom"]["section"] == "how-long-spasms-last"
    assert [m["number"] for m in visitor.messages()] == [1, 2, 3, 4, 5, 6]


def test_who_asks_while_the_action_server_starts_is_answered_all_the_same(
    visitor: Visitor, assistant: Assistant
) -> None:
    visitor.say("hello")
    assistant.kill("actions")
    said = visitor.post(text="heat or ice?")
    assistant.start("actions")
    (answer,) = wait_until(lambda: visitor.messages(after=said.json()["number"]), 30)
    assert answer["custom"]["section"] == "heat-or-ice"


def test_a_turn_whose_answer_was_lost_is_not_done_again(assistant: Assistant) -> None:
    """Asked for again, in the middle of the form too, it gives the same and changes nothing."""
    sender = f"once-{uuid4().hex}"

    def turn(message: str, **what: str) -> dict[str, Any]:
        body = {"message": message, "sender": sender, **what}
        reply = httpx.post(
            f"{assistant.rasa_url}/webhooks/spinebot/turn", json=body, trust_env=False, timeout=60
        )
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    first = turn("1", text="heat or ice?")
    assert first["replies"][0]["custom"]["section"] == "heat-or-ice"
    assert turn("1", text="heat or ice?") == first
    turn("2", text="i want the mri review")
    named = turn("3", text="Ann Sample")
    assert turn("3", text="Ann Sample") == named
    assert named["requested"] == "contact"
    assert turn("4", text="202-555-0143")["requested"] == "best_time"


@pytest.mark.parametrize("part", ["rasa", "actions"])
def test_an_emergency_is_recognised_with_a_part_dead(
    visitor: Visitor, assistant: Assistant, part: str
) -> None:
    assistant.kill(part)
    (warning,) = visitor.say(REPORT)
    assert warning["custom"]["type"] == "emergency"


def test_no_emergency_waits_for_a_rasa_that_hangs(visitor: Visitor, assistant: Assistant) -> None:
    """Rasa may take 20 seconds here; the warning is said after three."""
    assistant.send("rasa", signal.SIGSTOP)
    try:
        number = visitor.post(text=REPORT).json()["number"]
        replies = wait_until(lambda: visitor.messages(after=number), 10)
    finally:
        assistant.send("rasa", signal.SIGCONT)
    assert [each["custom"]["type"] for each in replies] == ["emergency"]
    found = assistant.rows("SELECT rule FROM finding ORDER BY id DESC LIMIT 2")
    assert {each["rule"] for each in found} == {"RF01", "RF02"}


def test_a_form_goes_on_after_the_action_server_was_away(
    visitor: Visitor, assistant: Assistant
) -> None:
    visitor.say("i want the mri review")
    visitor.say("Ann Sample")
    assistant.kill("actions")
    assert PHONE in visitor.say("202-555-0143")[0]["text"]
    assistant.start("actions")
    assistant.wait_until_ready()
    assert visitor.say("202-555-0143")[-1]["custom"]["slot"] == "best_time"


def test_a_form_sent_while_the_action_server_is_away_is_never_called_sent(
    visitor: Visitor, assistant: Assistant
) -> None:
    before = len(assistant.rows("SELECT id FROM handoff"))
    visitor.say("i want the mri review")
    for text in ("Ann Sample", "202-555-0143", "skip", "no", "neck"):
        visitor.say(text)
    visitor.press("I agree")
    assistant.kill("actions")
    (sorry,) = visitor.press("Yes, send it")
    assert sorry["custom"]["type"] == "error"
    assistant.start("actions")
    assistant.wait_until_ready()
    stored = visitor.press("Yes, send it")[-1]
    assert stored["custom"]["type"] == "handoff"
    assert len(assistant.rows("SELECT id FROM handoff")) == before + 1


def test_a_locked_database_is_said_and_the_message_can_be_sent_again(
    visitor: Visitor, assistant: Assistant
) -> None:
    with assistant.locked_database():
        refused = visitor.post(text="heat or ice?", key="the same key")
    assert refused.status_code == 503
    assert PHONE in refused.json()["error"]["message"]
    assert visitor.post(text="heat or ice?", key="the same key").status_code == 202
    wait_until(lambda: len(visitor.messages()) == 2, 60)


def test_a_handoff_that_cannot_be_stored_is_said_and_can_be_sent_again(
    visitor: Visitor, assistant: Assistant
) -> None:
    """The lock is taken between the message and the action: the row itself cannot be written."""
    visitor.say("i want the mri review")
    for text in ("Ann Sample", "202-555-0143", "skip", "no", "neck"):
        visitor.say(text)
    visitor.press("I agree")
    assistant.send("actions", signal.SIGSTOP)
    sent = visitor.post(button=visitor.buttons["Yes, send it"])
    assert sent.status_code == 202
    time.sleep(1)  # the turn is under way and waits for the action server
    with assistant.locked_database():
        assistant.send("actions", signal.SIGCONT)
        # The action server waits 5 seconds for the lock and then says so.
        time.sleep(7)
    replies = wait_until(lambda: visitor.messages(after=sent.json()["number"]), 60)
    assert "not been sent" in replies[-1]["text"]
    assert PHONE in replies[-1]["text"]
    visitor.buttons.update({b["title"]: b["payload"] for b in replies[-1]["buttons"]})
    assert "Ann Sample" in visitor.press("Try again")[-1]["text"], "nothing is asked twice"
    assert visitor.press("Yes, send it")[-1]["custom"]["type"] == "handoff"


def test_a_message_left_unanswered_is_answered_by_the_next_process(
    visitor: Visitor, assistant: Assistant
) -> None:
    assistant.send("rasa", signal.SIGSTOP)
    said = visitor.post(text="heat or ice?")
    assert said.status_code == 202
    assistant.kill("web")
    assistant.send("rasa", signal.SIGCONT)
    assistant.start("web")
    assistant.wait_until_ready()
    replies = wait_until(lambda: visitor.messages(after=said.json()["number"]), 60)
    assert replies[0]["custom"]["section"] == "heat-or-ice"
    assert [m["number"] for m in visitor.messages()] == [1, 2]


def test_no_visitor_text_in_the_logs(visitor: Visitor, assistant: Assistant) -> None:
    assistant.kill("actions")
    visitor.say("the word xylophone must not be logged")
    logs = b"".join(path.read_bytes() for path in assistant.data_dir.glob("*.log"))
    assert b"xylophone" not in logs
    assert visitor.token.encode() not in logs

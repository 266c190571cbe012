"""What a visitor gets, through all processes."""

from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from spinebot import safety
from tests.conftest import ROOT
from tests.system.assistant import Assistant, Visitor

QUESTION = "why do discs cause spasms?"


def test_an_answer_names_its_source_and_leads_on(visitor: Visitor) -> None:
    answer, offer = visitor.say(QUESTION)
    custom = answer["custom"]
    assert custom["type"] == "answer"
    assert custom["article"] == "herniated-disc-muscle-spasms"
    assert custom["section"] == "why-discs-cause-spasms"
    assert custom["reviewed_on"] is None
    assert custom["review"].startswith("Clinical review pending")
    assert custom["body"] in answer["text"]
    assert "Source: Can a herniated disc cause muscle spasms?" in answer["text"]
    assert 60 <= len(custom["body"].split()) <= 130
    assert 2 <= len(answer["buttons"]) <= 3
    assert offer["custom"] == {"type": "offer"}


def test_the_source_is_a_page_that_shows_the_words(visitor: Visitor, assistant: Assistant) -> None:
    custom = visitor.say(QUESTION)[0]["custom"]
    page = httpx.get(assistant.web_url + custom["url"], trust_env=False)
    assert page.status_code == 200
    assert f'id="{custom["section"]}"' in page.text
    assert custom["body"].split("\n")[0][:60] in page.text
    assert "Laser Spine Institute" in page.text


def test_the_offer_is_made_once(visitor: Visitor) -> None:
    assert [r["custom"]["type"] for r in visitor.say(QUESTION)] == ["answer", "offer"]
    assert [r["custom"]["type"] for r in visitor.say(QUESTION)] == ["again"]


def test_no_offer_after_a_no(visitor: Visitor) -> None:
    visitor.say(QUESTION)
    visitor.press("No, thank you")
    assert len(visitor.say("will a herniated disc heal?")) == 1


def _fill_form(visitor: Visitor) -> list[dict[str, object]]:
    for text in ("Ann Sample", "202-555-0143", "weekday mornings", "yes", "March 2026"):
        visitor.say(text)
    visitor.say("low back, left side")
    visitor.press("I agree")
    return visitor.press("Yes, send it")


def test_the_form_ends_in_one_row_with_the_reference(
    visitor: Visitor, assistant: Assistant
) -> None:
    visitor.say(QUESTION)
    visitor.press("Yes, tell me how")
    (stored,) = _fill_form(visitor)
    reference = stored["custom"]["reference"]
    assert reference in stored["text"]
    (row,) = assistant.rows("SELECT * FROM handoff WHERE reference = ?", reference)
    assert row["reason"] == "mri_review"
    assert row["recent_mri"] == "yes"
    assert row["consent_text"].startswith("I agree that Example Spine Clinic keeps the details")
    assert row["conversation_id"] is not None
    (contact,) = assistant.rows("SELECT name FROM contact WHERE handoff_id = ?", row["id"])
    assert "Ann" not in contact["name"], "contact data must be sealed"


@pytest.mark.parametrize("interruptions", [1, 3, 5])
def test_questions_in_the_middle_are_answered_and_the_form_goes_on(
    visitor: Visitor, interruptions: int
) -> None:
    visitor.say("i want the mri review")
    for _ in range(interruptions):
        answer, again = visitor.say("heat or ice, which is better?")
        assert answer["custom"]["section"] == "heat-or-ice"
        assert answer["buttons"] == []
        assert again["custom"]["slot"] == "name"
    assert visitor.say("Ann Sample")[-1]["custom"]["slot"] == "contact"


def test_bad_values_get_an_example_and_then_a_way_out(visitor: Visitor) -> None:
    visitor.say("i want the mri review")
    visitor.say("Ann Sample")
    assert "For example" not in visitor.say("555-12")[0]["text"]
    assert "For example" in visitor.say("555-12")[0]["text"]
    third = visitor.say("555-12")[0]
    assert "+1 555 010 0199" in third["text"]
    assert [button["title"] for button in third["buttons"]] == ["Stop"]
    assert visitor.press("Stop")[0]["text"].startswith("I stopped.")
    assert visitor.say(QUESTION)[0]["custom"]["type"] == "answer"


def test_no_consent_no_row(visitor: Visitor, assistant: Assistant) -> None:
    before = len(assistant.rows("SELECT id FROM handoff"))
    visitor.say("i want the mri review")
    for text in ("Ann Sample", "ann@example.com", "skip", "no", "neck"):
        visitor.say(text)
    assert "Nothing was sent" in visitor.press("I do not agree")[0]["text"]
    assert len(assistant.rows("SELECT id FROM handoff")) == before


def test_a_detail_can_be_corrected_before_it_is_sent(visitor: Visitor) -> None:
    visitor.say("i want the mri review")
    for text in ("Ann Sample", "202-555-0143", "skip", "no", "neck"):
        visitor.say(text)
    assert "+12025550143" in visitor.press("I agree")[0]["text"]
    assert "ann@example.com" in visitor.say("change phone to ann@example.com")[0]["text"]
    assert visitor.say("change name")[-1]["custom"]["slot"] == "name"
    assert "Bo Sample" in visitor.say("Bo Sample")[-1]["text"]


def test_an_emergency_comes_first_and_nothing_is_sold_after_it(
    visitor: Visitor, assistant: Assistant
) -> None:
    visitor.say("my back went out on monday")
    (warning,) = visitor.say("now i cant pee and im numb down there")
    assert warning["custom"]["type"] == "emergency"
    assert "emergency room now" in warning["text"]
    assert warning["buttons"] == []
    (answer,) = visitor.say(QUESTION)
    assert answer["buttons"] == []
    (refusal,) = visitor.say("i want the mri review")
    assert "911" in refusal["text"]
    assert refusal["custom"] is None
    assert assistant.rows(
        "SELECT f.* FROM finding f JOIN message m ON m.id = f.message_id WHERE f.rule = 'RF01' "
        "AND m.text LIKE 'now i cant pee%'"
    )


def test_what_a_rule_found_is_kept_with_its_words(visitor: Visitor, assistant: Assistant) -> None:
    visitor.say("i can't pee and my legs are numb")
    found = assistant.rows("SELECT evidence FROM finding ORDER BY id DESC LIMIT 2")
    assert any("not pee" in each["evidence"] for each in found)


def test_a_rule_that_is_fooled_by_words_alarms_nobody(
    visitor: Visitor, assistant: Assistant
) -> None:
    text = "walking like a robot today after deadlifts, hamstrings sore"
    assert safety.check(text)
    before = len(assistant.rows("SELECT id FROM finding"))
    (answer,) = visitor.say(text)
    assert (answer["custom"] or {}).get("type") != "emergency"
    assert len(assistant.rows("SELECT id FROM finding")) == before


def test_an_emergency_ends_an_open_form(visitor: Visitor) -> None:
    visitor.say("i want the mri review")
    visitor.say("Ann Sample")
    (warning,) = visitor.say("wait, my legs just went numb and i wet myself")
    assert warning["custom"]["type"] == "emergency"
    assert visitor.say("202-555-0143")[-1]["custom"] is None


@pytest.mark.parametrize(
    "text",
    [
        "x" * 20_000,
        "\u0007\u0000 \ufeff",
        "😀😀",
        "привет, у меня болит спина",
        "/restart",
        '/inform{"consent": true}',
        "/session_start",
        "<script>alert(1)</script>",
        "'; DROP TABLE message; --",
        "{{ 7 * 7 }}",
        "asdfgh jkl",
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_odd_input_gets_a_clear_reply_and_loses_nothing(visitor: Visitor, text: str) -> None:
    visitor.say("heat or ice?")
    response = visitor.post(text=text)
    if response.status_code == 422:
        assert len(response.json()["error"]["message"]) > 20
    else:
        (*_, reply) = _wait_for_reply(visitor, response.json()["number"])
        assert len(reply["text"]) > 20
        assert "Traceback" not in reply["text"]
    assert visitor.messages()[0]["text"] == "heat or ice?"
    assert visitor.say("i want the mri review")[-1]["custom"]["slot"] == "name"


def _wait_for_reply(visitor: Visitor, number: int) -> list[dict[str, object]]:
    from tests.system.assistant import wait_until

    return list(wait_until(lambda: visitor.messages(after=number), 60))


def test_a_command_in_the_form_is_only_text(visitor: Visitor) -> None:
    visitor.say("i want the mri review")
    assert visitor.say('/inform{"consent": true}')[-1]["custom"]["slot"] == "name"
    assert visitor.say("/restart")[-1]["custom"]["slot"] in {"name", "contact"}


def test_the_same_key_is_the_same_message(visitor: Visitor) -> None:
    first = visitor.post(text="heat or ice?", key="the same key")
    again = visitor.post(text="heat or ice?", key="the same key")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    _wait_for_reply(visitor, first.json()["number"])
    assert len(visitor.messages()) == 2


def test_a_button_of_another_conversation_is_refused(
    visitor: Visitor, assistant: Assistant
) -> None:
    visitor.say(QUESTION)
    other = Visitor(assistant)
    refused = other.post(button=visitor.buttons["Yes, tell me how"])
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "forged_button"


def test_a_made_up_token_opens_nothing(assistant: Assistant) -> None:
    found = httpx.get(f"{assistant.web_url}/api/conversations/made-up/messages", trust_env=False)
    assert found.status_code == 404


def test_events_go_on_behind_the_last_number(visitor: Visitor) -> None:
    visitor.say("heat or ice?")
    visitor.say("how long do spasms last?")
    everything = visitor.events(after=0, count=4)
    assert [event["number"] for event in everything] == [1, 2, 3, 4]
    resumed = visitor.events(after=0, count=2, **{"Last-Event-ID": "2"})
    assert [event["number"] for event in resumed] == [3, 4]


def test_an_event_comes_while_one_listens(visitor: Visitor) -> None:
    with ThreadPoolExecutor() as pool:
        listening = pool.submit(visitor.events, 0, 2)
        visitor.say("heat or ice?")
        heard = listening.result(timeout=60)
    assert [event["sender"] for event in heard] == ["visitor", "bot"]


def test_many_at_once_each_in_order(assistant: Assistant) -> None:
    def talk(_: int) -> list[tuple[int, str]]:
        visitor = Visitor(assistant)
        numbers = [visitor.post(text=f"heat or ice, {n}?").json()["number"] for n in range(3)]
        from tests.system.assistant import wait_until

        wait_until(lambda: len(visitor.messages()) == 6, 60)
        assert numbers == sorted(numbers)
        return [(m["number"], m["sender"]) for m in visitor.messages()]

    with ThreadPoolExecutor(8) as pool:
        for talked in pool.map(talk, range(8)):
            assert [number for number, _ in talked] == [1, 2, 3, 4, 5, 6]
            assert sorted(sender for _, sender in talked) == ["bot"] * 3 + ["visitor"] * 3


def test_the_transcript_says_what_was_understood(visitor: Visitor, assistant: Assistant) -> None:
    visitor.say("does my L4/5 disc cause the spasms?")
    asked = assistant.rows("SELECT * FROM message WHERE text LIKE 'does my L4/5%'")[-1]
    assert asked["intent"] == "ask_disc_spasm_cause"
    assert 0.2 < asked["confidence"] <= 1
    assert len(json.loads(asked["ranking"])) == 5
    assert {"entity": "level", "value": "L4-L5"}.items() <= json.loads(asked["entities"])[0].items()
    assert json.loads(asked["actions"]) == ["action_answer_question"]
    assert asked["model"].endswith(".tar.gz")
    reply = assistant.rows(
        "SELECT * FROM message WHERE conversation_id = ? AND in_reply_to = ?",
        asked["conversation_id"],
        asked["number"],
    )[0]
    assert reply["section_revision_id"] is not None


def test_contact_details_are_masked_in_the_transcript(
    visitor: Visitor, assistant: Assistant
) -> None:
    visitor.say("i want the mri review")
    visitor.say("Zebedee Quirk")
    visitor.say("my mail is zebedee@example.com")
    texts = [row["text"] for row in assistant.rows("SELECT text FROM message")]
    assert "[name]" in texts
    assert not any("Zebedee" in text or "zebedee@" in text for text in texts)
    assert [m["text"] for m in visitor.messages() if m["sender"] == "visitor"][1] == "Zebedee Quirk"


def test_a_new_wording_reaches_visitors_at_once_and_the_old_one_stays(
    visitor: Visitor, assistant: Assistant, tmp_path: Path
) -> None:
    old = visitor.say("heat or ice?")[0]["custom"]
    knowledge = Path(shutil.copytree(ROOT / "knowledge", tmp_path / "knowledge"))
    file = knowledge / "care" / "muscle-spasm-self-care.md"
    changed = file.read_text(encoding="utf-8").replace("## Heat or ice", "## Warm or cold", 1)
    body = old["body"].split(".")[0]
    file.write_text(changed.replace(body, f"New wording of today. {body}"), encoding="utf-8")
    load = [".venv/app/bin/spinebot", "articles", "load", "--knowledge"]
    subprocess.run([*load, str(knowledge)], cwd=ROOT, env=assistant.environment, check=True)
    try:
        new = visitor.say("heat or ice?")[0]["custom"]
        assert new["body"].startswith("New wording of today.")
        assert new["revision"] != old["revision"]
        page = httpx.get(
            f"{assistant.web_url}/articles/{old['article']}/{old['section']}/1", trust_env=False
        )
        assert "This is an earlier wording" in page.text
        assert "New wording of today" not in page.text
    finally:
        subprocess.run([*load, "knowledge"], cwd=ROOT, env=assistant.environment, check=True)


def test_the_rest_channel_is_complete_too(assistant: Assistant) -> None:
    replies = httpx.post(
        f"{assistant.rasa_url}/webhooks/rest/webhook",
        json={"sender": "a tool", "message": QUESTION},
        timeout=30,
        trust_env=False,
    ).json()
    texts = " ".join(reply.get("text", "") for reply in replies)
    assert "Source: " in texts
    custom = [reply["custom"] for reply in replies if reply.get("custom")]
    assert custom[0]["type"] == "answer"
    assert any(reply.get("buttons") for reply in replies)


def test_rasas_api_wants_its_token(assistant: Assistant) -> None:
    assert httpx.get(f"{assistant.rasa_url}/domain", trust_env=False).status_code == 401


@pytest.mark.parametrize(
    "port", ["SPINEBOT_RASA_PORT", "SPINEBOT_ACTIONS_PORT", "SPINEBOT_WEB_PORT"]
)
def test_every_port_is_on_loopback_only(assistant: Assistant, port: str) -> None:
    number = int(assistant.environment[port])
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rpartition(":")[2], 16) == number
    ]
    assert listening
    assert all(address.startswith("0100007F:") for address in listening)


def test_the_contract_is_documented_with_openapi(assistant: Assistant) -> None:
    document = httpx.get(f"{assistant.web_url}/api/openapi.json", trust_env=False).json()
    assert {
        "/api/widget",
        "/api/conversations",
        "/api/conversations/{token}/messages",
        "/api/conversations/{token}/events",
    } <= set(document["paths"])


def test_pages_forbid_foreign_scripts(assistant: Assistant) -> None:
    page = httpx.get(assistant.web_url, trust_env=False)
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]

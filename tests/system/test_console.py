"""The console in a real browser: accessible pages, and staff and a visitor in one chat.

docs/guides/staff.md is followed here from top to bottom, and its pictures are taken.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import ROOT
from tests.system.assistant import Assistant, new_assistant
from tests.system.browsing import check_axe, open_chat, picture, say, visit

pytestmark = pytest.mark.browser

PASSWORD = "a good long password"
PAGES = (
    *("conversations", "conversations?q=spasm&review=open", "handoffs", "handoffs?status=done"),
    *(
        "handoffs/replies",
        "accounts",
        "account",
        "audit",
        "inbox",
        "outgoing",
        "reports",
        "privacy",
        "models",
        "coverage",
        "tokens",
        "intents",
        "intents/new",
        "intents/ask_heat_or_ice",
        "articles",
        "articles/sciatica",
        "articles/new",
        "changes",
        "trials",
        "reports/sample?week=2026-01-01",
    ),
)
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"size": (1280, 800)},
    "dark": {"size": (1280, 800), "color_scheme": "dark"},
    "phone": {"size": (360, 740)},
}


@pytest.fixture(scope="module")
def sampled(
    model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Assistant, str]]:
    """An assistant with sample conversations, and the link that sets the password."""
    assistant = new_assistant(tmp_path_factory.mktemp("sampled") / "data", model)
    environment = {**assistant.environment, "SPINEBOT_PUBLIC_URL": assistant.web_url}
    done = subprocess.run(
        [".venv/app/bin/spinebot", "demo", "--conversations", "120"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    link = re.search(r"http://\S+/console/welcome/\S+", done.stdout)
    assert link
    assistant.start("actions", "rasa", "web")
    try:
        assistant.wait_until_ready()
        yield assistant, link[0]
    finally:
        assistant.stop()


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/console/login")
    page.get_by_label("E-mail address").fill("sample@clinic.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Conversations", exact=True)).to_be_visible()


@pytest.fixture(scope="module")
def address(sampled: tuple[Assistant, str], browser: Browser) -> str:
    """Where the console is; the account has its password."""
    assistant, link = sampled
    with visit(browser, link, 1280, 800) as page:
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_text("Your password is set")).to_be_visible()
    return assistant.web_url


def check_accessibility(page: Page, state: str) -> None:
    check_axe(page, state)
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), f"{state}: sideways"


@pytest.mark.parametrize("look", sorted(LOOKS))
def test_every_page_is_accessible(browser: Browser, address: str, look: str) -> None:
    how = dict(LOOKS[look])
    with visit(browser, f"{address}/console/login", *how.pop("size"), **how) as page:
        check_accessibility(page, "sign in")
        sign_in(page, address)
        for number, path in enumerate(PAGES):
            page.goto(f"{address}/console/{path}")
            check_accessibility(page, path)
            picture(page, f"c{number}-{look}")
        page.goto(f"{address}/console/conversations?handoff=yes")
        page.locator("a.whole").first.click()
        expect(page.get_by_role("heading", name="Conversation")).to_be_visible()
        check_accessibility(page, "conversation")
        page.locator("details summary").last.click()
        page.evaluate("document.querySelectorAll('.talk details').forEach(it => it.open = true)")
        check_accessibility(page, "details of every message")
        picture(page, f"c-conversation-{look}")
        page.goto(f"{address}/console/handoffs")
        page.locator("a.whole").first.click()
        page.get_by_text("Show the contact").click()
        expect(page.get_by_text("+1202555")).to_be_visible()
        check_accessibility(page, "handoff")
        picture(page, f"c-handoff-{look}")


def test_the_keyboard_reviews_one_after_the_other(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/console/login", 1280, 800) as page:
        sign_in(page, address)
        page.goto(f"{address}/console/conversations?review=open")
        page.wait_for_load_state()
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        first = page.locator("[data-row]").first
        expect(first).to_be_focused()
        page.keyboard.press("Enter")
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(re.compile(r"Conversation \d+"))
        page.wait_for_load_state()
        before = heading.inner_text()
        page.keyboard.press("r")
        expect(heading).not_to_have_text(before)
        page.wait_for_load_state()
        page.keyboard.press("u")
        expect(heading).to_have_text(before)
        page.wait_for_load_state()
        page.keyboard.press("r")
        expect(heading).not_to_have_text(before)
        page.wait_for_load_state()
        page.keyboard.press("t")
        page.keyboard.type("odd one")
        page.keyboard.press("Enter")
        expect(page.locator(".badge", has_text="odd one")).to_be_visible()
        page.goto(f"{address}/console/conversations")
        page.wait_for_load_state()
        page.keyboard.press("/")
        page.keyboard.type("spasm")
        page.keyboard.press("Enter")
        expect(page.locator("mark").first).to_be_visible()
        page.locator("a.whole").first.click()
        page.get_by_text("Back to the list").click()
        expect(page.get_by_role("searchbox")).to_have_value("spasm")


def test_a_request_is_answered_as_the_guide_for_staff_says(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/console/login", 1280, 800) as page:
        sign_in(page, address)
        menu = page.get_by_role("navigation", name="Console")
        menu.get_by_role("link", name="Handoffs").click()
        picture(page, "guide-queue")
        # One without a red flag, as most are.
        calm = page.locator("li", has=page.locator("a.whole")).filter(has_not_text="red flag")
        calm.filter(has_text="new").first.locator("a.whole").click()
        reference = page.get_by_role("heading", level=1).inner_text().split(":")[0]
        page.get_by_role("button", name="Claim it").click()
        expect(page.get_by_text("You have it.")).to_be_visible()
        page.get_by_text("Show the contact and the answers").click()
        expect(page.get_by_text("+1202555").first).to_be_visible()
        picture(page, "guide-request")
        page.get_by_role("button", name="Keep the attempt").click()
        expect(page.get_by_role("button", name="Snooze")).to_be_visible()
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.get_by_role("button", name="Open it again")).to_be_visible()
        page.goto(f"{address}/console/handoffs?status=done")
        expect(page.get_by_text(reference).first).to_be_visible()
        page.goto(f"{address}/console/handoffs")
        page.get_by_role("link", name="Texts at hand").click()
        expect(page.get_by_role("heading", name="Texts at hand")).to_be_visible()


def test_a_conversation_is_read_as_the_guide_for_staff_says(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/console/login", 1280, 800) as page:
        sign_in(page, address)
        page.get_by_role("link", name="Next unreviewed").click()
        heading = page.get_by_role("heading", level=1)
        first = heading.inner_text()
        page.locator("#talk details summary").first.click()
        picture(page, "guide-conversation")
        page.get_by_role("button", name="Flag").first.click()
        expect(page.get_by_text("flagged:").first).to_be_visible()
        page.locator("#talk details summary").first.click()
        page.get_by_label("Should have been").first.fill("ask_heat_or_ice")
        page.get_by_role("button", name="To the trainers").first.click()
        expect(page.get_by_role("status").first).to_be_visible()
        page.get_by_role("button", name="Reviewed").click()
        expect(heading).not_to_have_text(first)


def test_staff_take_over_and_give_back(
    browser: Browser, address: str, sampled: tuple[Assistant, str]
) -> None:
    """Both sides see each other's words and typing; while staff are there the bot is silent."""
    with (
        visit(browser, address, 1280, 800) as visitor,
        visit(browser, f"{address}/console/login", 1280, 800) as staff,
    ):
        open_chat(visitor)
        say(visitor, "can I talk to a person?")
        log = visitor.get_by_role("log")
        expect(visitor.locator("spine-chat .message.bot").last).to_be_visible()
        sign_in(staff, address)
        staff.get_by_role("link", name="can I talk to a person?").click()
        staff.get_by_role("button", name="Take this chat over").click()
        expect(log).to_contain_text("Sam from Example Spine Clinic has joined the chat.")
        picture(visitor, "t1-joined")
        box = staff.get_by_label("Your message to the visitor")
        box.press_sequentially("Hello, ")
        expect(visitor.get_by_text("Sam is typing").first).to_be_visible()
        box.press_sequentially("this is Sam. How can I help?")
        began = time.monotonic()
        box.press("Enter")
        expect(log).to_contain_text("this is Sam. How can I help?")
        print(f"from staff to visitor: {time.monotonic() - began:.3f} s")
        visitor.get_by_role("textbox", name="Your message").press_sequentially("heat or ice?")
        expect(staff.get_by_text("The visitor is writing")).to_be_visible()
        visitor.keyboard.press("Enter")
        expect(staff.locator("#talk")).to_contain_text("heat or ice?")
        expect(visitor.get_by_text("Sam is reading").first).to_be_visible()
        picture(staff, "guide-takeover")
        visitor.wait_for_timeout(1500)
        expect(log).not_to_contain_text("Warmth has more proof")
        staff.get_by_role("button", name="Give back to the bot").click()
        expect(log).to_contain_text("Did Sam answer your question?")
        say(visitor, "heat or ice for a spasm?")
        expect(log).to_contain_text("Warmth has more proof")
        picture(visitor, "t3-given-back")


def test_an_emergency_is_recognised_while_staff_are_there(browser: Browser, address: str) -> None:
    with (
        visit(browser, address, 1280, 800) as visitor,
        visit(browser, f"{address}/console/login", 1280, 800) as staff,
    ):
        open_chat(visitor)
        say(visitor, "a question about my zebra back")
        expect(visitor.locator("spine-chat .message.bot").last).to_be_visible()
        sign_in(staff, address)
        staff.get_by_role("link", name="a question about my zebra back").click()
        staff.get_by_role("button", name="Take this chat over").click()
        expect(visitor.get_by_role("log")).to_contain_text("has joined")
        say(visitor, "now i cant pee and i am numb between my legs")
        expect(visitor.get_by_role("log")).to_contain_text("emergency room now")
        staff.get_by_role("button", name="Give back to the bot").click()
        expect(staff.get_by_text("The bot answers again.")).to_be_visible()


def test_pages_work_without_javascript(
    browser: Browser, address: str, sampled: tuple[Assistant, str]
) -> None:
    with visit(browser, f"{address}/console/login", 1280, 800, java_script_enabled=False) as page:
        sign_in(page, address)
        page.locator("a.whole").first.click()
        page.get_by_role("button", name="Later").click()
        page.goto(f"{address}/console/conversations?review=later")
        expect(page.locator(".badge", has_text="later").first).to_be_visible()
        page.locator("a.whole").first.click()
        page.get_by_role("button", name="Take this chat over").click()
        page.get_by_label("Your message to the visitor").fill("Hello from the clinic.")
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#talk")).to_contain_text("Hello from the clinic.")
        newest = page.frame_locator("iframe.newest")
        expect(newest.locator("li").first).to_contain_text("Hello from the clinic.")
        [number] = re.findall(r"conversations/(\d+)", page.url)
        sampled[0].python(
            "from spinebot import conversations, db, models\n"
            "with db.writing() as session:\n"
            f"    found = session.get_one(models.Conversation, {number})\n"
            "    conversations.say(session, found, 'is my disc slipped', 'a key of this test')\n"
        )
        # The frame loads itself anew.
        expect(newest.locator("li").first).to_contain_text("is my disc slipped", timeout=20_000)
        page.get_by_role("button", name="Give back to the bot").click()
        expect(page.get_by_text("The bot answers again.")).to_be_visible()


def test_the_inbox_is_worked_with_keys(browser: Browser, address: str) -> None:
    with visit(browser, f"{address}/console/login", 1280, 800) as page:
        sign_in(page, address)
        page.goto(f"{address}/console/inbox")
        items = page.locator("[data-item]")
        first = items.first.get_attribute("id")
        assert first
        page.wait_for_load_state()
        page.keyboard.press("j")
        expect(items.first).to_be_focused()
        page.keyboard.press("0")
        expect(page.get_by_role("status")).to_have_text("1 left out")
        expect(page.locator(f"#{first}")).to_have_count(0)
        page.get_by_role("button", name="Undo it").click()
        expect(page.get_by_role("status")).to_contain_text("in the inbox again")
        expect(page.locator(f"#{first}")).to_have_count(1)

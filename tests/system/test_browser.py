"""A visitor in a real browser: from the question to the reference number."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.system.assistant import Assistant
from tests.system.browsing import open_chat, picture, say, visit

pytestmark = pytest.mark.browser

SIZES = {"desktop": (1280, 800), "phone": (360, 740)}


@pytest.fixture(params=sorted(SIZES))
def page(request: pytest.FixtureRequest, browser: Browser, assistant: Assistant) -> Iterator[Page]:
    with visit(browser, assistant.web_url, *SIZES[request.param]) as found:
        yield found


def test_from_the_question_to_the_reference_number(page: Page, assistant: Assistant) -> None:
    open_chat(page)
    picture(page, "1-greeting")
    log = page.get_by_role("log")
    say(page, "why do discs cause spasms?")
    expect(log).to_contain_text("herniated disc can cause muscle spasms")
    source = log.get_by_role("link").filter(has_text="Can a herniated disc cause muscle spasms?")
    expect(source).to_have_attribute(
        "href", f"{assistant.web_url}/articles/herniated-disc-muscle-spasms#why-discs-cause-spasms"
    )
    picture(page, "widget-answer")
    page.get_by_role("button", name="Yes, tell me how").click()
    expect(log).to_contain_text("What is your name?")
    say(page, "Ann Sample")
    expect(log).to_contain_text("What phone number or e-mail")
    say(page, "555-12")
    expect(log).to_contain_text("That is not a phone number")
    picture(page, "3-bad-number")
    say(page, "202-555-0143")
    expect(log).to_contain_text("When is a good time")
    say(page, "weekday mornings")
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(log).to_contain_text("About when was it?")
    say(page, "March 2026")
    expect(log).to_contain_text("Where does it hurt?")
    say(page, "low back, left side")
    page.get_by_role("button", name="I agree", exact=True).click()
    expect(log).to_contain_text("+12025550143")
    picture(page, "4-summary")
    page.get_by_role("button", name="Yes, send it").click()
    expect(log).to_contain_text("Your reference number is SB-")
    picture(page, "widget-reference")
    text = log.inner_text()
    reference = text[text.index("reference number is SB-") + len("reference number is ") :][:9]
    (row,) = assistant.rows("SELECT * FROM handoff WHERE reference = ?", reference)
    assert row["reason"] == "mri_review"


def test_a_reload_loses_nothing(page: Page) -> None:
    open_chat(page)
    log = page.get_by_role("log")
    say(page, "heat or ice?")
    expect(log).to_contain_text("Warmth has more proof")
    page.reload()
    open_chat(page)
    expect(log).to_contain_text("heat or ice?")
    expect(log).to_contain_text("Warmth has more proof")


def test_an_emergency_stands_out_with_a_number_to_call(page: Page) -> None:
    open_chat(page)
    say(page, "i cant pee and im numb between my legs")
    log = page.get_by_role("log")
    expect(log).to_contain_text("emergency room now")
    expect(log.get_by_role("link", name="Call 911")).to_have_attribute("href", "tel:911")
    picture(page, "widget-emergency")


def test_script_in_a_message_is_only_text(page: Page) -> None:
    open_chat(page)
    say(page, "<img src=x onerror=\"document.title='owned'\"><b>bold</b>")
    log = page.get_by_role("log")
    expect(log).to_contain_text("<img src=x")
    expect(log).to_contain_text("computer code")
    assert page.title() != "owned"


def test_the_source_page_can_be_read(page: Page, assistant: Assistant) -> None:
    page.goto(f"{assistant.web_url}/articles/herniated-disc-muscle-spasms")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Can a herniated disc cause muscle spasms?"
    )
    sideways = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not sideways
    picture(page, "7-article")

"""A visitor in a real browser (Debian's Chromium, driven by Playwright)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.system.assistant import Assistant

pytestmark = pytest.mark.browser

SIZES = {"desktop": (1280, 800), "phone": (360, 740)}
# The last ones keep a browser without a way out from trying to reach its maker.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=sorted(SIZES))
def page(request: pytest.FixtureRequest, browser: Browser, assistant: Assistant) -> Iterator[Page]:
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.set_default_timeout(30_000)
    page.goto(assistant.web_url)
    yield page
    context.close()
    assert not [problem for problem in problems if "503" not in problem], problems


def _open(page: Page) -> None:
    """Open the widget; on a wide screen it opens by itself."""
    box = page.get_by_role("textbox", name="Your message")
    if page.viewport_size and page.viewport_size["width"] <= 480:
        launcher = page.get_by_role("button", name="Ask a question")
        expect(launcher.or_(box)).to_be_visible()
        if not box.is_visible():
            launcher.click()
    expect(box).to_be_visible()


def _say(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Your message").fill(text)
    page.keyboard.press("Enter")


def _picture(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if folder := os.environ.get("SPINEBOT_TEST_PICTURES"):
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.wait_for_timeout(400)  # what glides in has arrived
        page.screenshot(path=Path(folder) / f"{name}-{width}.png")


def test_from_the_question_to_the_reference_number(page: Page, assistant: Assistant) -> None:
    _open(page)
    _picture(page, "1-greeting")
    log = page.get_by_role("log")
    _say(page, "why do discs cause spasms?")
    expect(log).to_contain_text("herniated disc can cause muscle spasms")
    source = log.get_by_role("link").filter(has_text="Can a herniated disc cause muscle spasms?")
    expect(source).to_have_attribute(
        "href", f"{assistant.web_url}/articles/herniated-disc-muscle-spasms#why-discs-cause-spasms"
    )
    _picture(page, "2-answer")
    page.get_by_role("button", name="Yes, tell me how").click()
    expect(log).to_contain_text("What is your name?")
    _say(page, "Ann Sample")
    expect(log).to_contain_text("What phone number or e-mail")
    _say(page, "555-12")
    expect(log).to_contain_text("That is not a phone number")
    _picture(page, "3-bad-number")
    _say(page, "202-555-0143")
    expect(log).to_contain_text("When is a good time")
    _say(page, "weekday mornings")
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(log).to_contain_text("About when was it?")
    _say(page, "March 2026")
    expect(log).to_contain_text("Where does it hurt?")
    _say(page, "low back, left side")
    page.get_by_role("button", name="I agree", exact=True).click()
    expect(log).to_contain_text("+12025550143")
    _picture(page, "4-summary")
    page.get_by_role("button", name="Yes, send it").click()
    expect(log).to_contain_text("Your reference number is SB-")
    _picture(page, "5-reference")
    text = log.inner_text()
    reference = text[text.index("reference number is SB-") + len("reference number is ") :][:9]
    (row,) = assistant.rows("SELECT * FROM handoff WHERE reference = ?", reference)
    assert row["reason"] == "mri_review"


def test_a_reload_loses_nothing(page: Page) -> None:
    _open(page)
    log = page.get_by_role("log")
    _say(page, "heat or ice?")
    expect(log).to_contain_text("Warmth has more proof")
    page.reload()
    _open(page)
    expect(log).to_contain_text("heat or ice?")
    expect(log).to_contain_text("Warmth has more proof")


def test_an_emergency_stands_out_with_a_number_to_call(page: Page) -> None:
    _open(page)
    _say(page, "i cant pee and im numb between my legs")
    log = page.get_by_role("log")
    expect(log).to_contain_text("emergency room now")
    expect(log.get_by_role("link", name="Call 911")).to_have_attribute("href", "tel:911")
    _picture(page, "6-emergency")


def test_script_in_a_message_is_only_text(page: Page) -> None:
    _open(page)
    _say(page, "<img src=x onerror=\"document.title='owned'\"><b>bold</b>")
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
    _picture(page, "7-article")

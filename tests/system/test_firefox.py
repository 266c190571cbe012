"""The widget in Firefox: asked, answered, reloaded, in a form, closed and opened again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.assistant import Assistant
from tests.system.firefox import Firefox, firefox

pytestmark = pytest.mark.browser

ENTER, ESCAPE = "\ue007", "\ue00c"
ROOT = "document.querySelector('spine-chat').shadowRoot"


@pytest.fixture(scope="module")
def browser() -> Iterator[Firefox]:
    with firefox() as found:
        yield found


@pytest.fixture
def page(browser: Firefox, assistant: Assistant) -> Firefox:
    browser.visit(assistant.web_url)
    browser.evaluate("window.faults = []; onerror = (words) => faults.push(words); 1")
    browser.wait_for(f"Boolean({ROOT}?.querySelector('textarea'))")
    return browser


def say(page: Firefox, text: str) -> None:
    page.evaluate(f"{ROOT}.querySelector('textarea').focus()")
    page.type(text + ENTER)


def log(words: str) -> str:
    return f"{ROOT}.querySelector('.log').textContent.includes({words!r})"


def test_a_question_is_answered_and_stays_after_a_reload(
    page: Firefox, assistant: Assistant
) -> None:
    say(page, "heat or ice for a spasm?")
    page.wait_for(log("Warmth has more proof"))
    assert page.evaluate(f"{ROOT}.querySelector('a.source').href").startswith(assistant.web_url)
    if folder := os.environ.get("SPINEBOT_TEST_PICTURES"):
        page.picture(Path(folder) / "firefox.png")
    page.visit(assistant.web_url)
    page.wait_for(log("Warmth has more proof"))
    count = f"{ROOT}.querySelectorAll('.message').length"
    assert page.evaluate(count) == 2
    assert page.evaluate("window.faults?.length || 0") == 0


def test_the_form_is_begun_and_an_emergency_ends_it(page: Firefox) -> None:
    say(page, "i want the mri review")
    page.wait_for(log("What is your name?"))
    assert page.evaluate(f"{ROOT}.querySelector('input[autocomplete=name]') !== null")
    say(page, "i cant pee and im numb between my legs")
    page.wait_for(log("Go to an emergency room now"))


def test_escape_closes_it_and_the_focus_goes_where_it_belongs(page: Firefox) -> None:
    page.evaluate(f"{ROOT}.querySelector('textarea').focus()")
    page.type(ESCAPE)
    page.wait_for(f"{ROOT}.querySelector('.panel').hidden")
    assert page.evaluate(f"{ROOT}.activeElement.className") == "launcher"
    page.evaluate(f"{ROOT}.activeElement.click()")
    page.wait_for(f"!{ROOT}.querySelector('.panel').hidden")
    page.wait_for(f"{ROOT}.activeElement.tagName === 'TEXTAREA'")

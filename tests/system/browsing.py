"""A visitor's browser (Debian's Chromium, driven by Playwright), and what visitors do in it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

# The last ones keep a browser without a way out from trying to reach its maker.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser; skip where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def visit(
    browser: Browser,
    address: str,
    width: int,
    height: int,
    language: str = "en-US",
    **how: Any,
) -> Iterator[Page]:
    """Open a page; fail at the end if it reported errors. how: of Playwright's new_context."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=language, bypass_csp=False, **how
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    page.goto(address)
    yield page
    context.close()
    # What is refused on purpose (422) or away (503) is in the console too.
    assert not [each for each in problems if "503" not in each and "422" not in each], problems


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def check_axe(page: Page, state: str, part: str | None = None) -> None:
    """Fail if axe-core finds anything in a part of the page (None: all of it)."""
    found = Axe().run(page, context=part, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.response["passes"]
    faults = [
        (fault["id"], node["target"], node.get("failureSummary", ""))
        for fault in found.response["violations"]
        for node in fault["nodes"]
    ]
    assert not faults, f"{state}: {json.dumps(faults, indent=1)}"


def open_chat(page: Page) -> None:
    """Open the widget; on a wide screen it opens by itself."""
    box = page.get_by_role("textbox", name="Your message")
    if page.viewport_size and page.viewport_size["width"] <= 480:
        launcher = page.get_by_role("button", name="Ask a question")
        expect(launcher.or_(box)).to_be_visible()
        if not box.is_visible():
            launcher.click()
    expect(box).to_be_visible()


def arrive(page: Page, origin: str, shelf: dict[str, Any] | None = None) -> None:
    """Come to the page anew; the tab remembers these values of the widget's and no others.

    They are written on a page without the widget: one that is at work there stores its own over
    them before it is gone.
    """
    page.goto(f"{origin}/console/login")
    page.evaluate(
        "([name, value]) => { sessionStorage.clear(); sessionStorage.setItem(name, value); }",
        [f"spine-chat {origin}", json.dumps(shelf or {})],
    )
    page.goto(origin)


def say(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Your message").fill(text)
    page.keyboard.press("Enter")


def picture(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if folder := os.environ.get("SPINEBOT_TEST_PICTURES"):
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.wait_for_timeout(400)  # what glides in has arrived
        page.screenshot(path=Path(folder) / f"{name}-{width}.png")

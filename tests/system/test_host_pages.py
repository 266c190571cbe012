"""The widget on other people's pages: their styles, their policies, their scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from spinebot.clinic import FILE
from tests.system.assistant import Assistant, new_assistant
from tests.system.browsing import open_chat, picture, say

pytestmark = pytest.mark.browser

# Rules of the kind that themes and page builders really bring along, and worse.
HOSTILE = """
* { all: unset !important; }
* { color: red !important; font: italic 40px/0.8 serif !important; direction: rtl;
  letter-spacing: 9px !important; text-transform: uppercase !important; float: left !important; }
html { font-size: 6px; filter: none; }
html > *:not(head):not(body) { display: none; }
spine-chat { display: none; opacity: 0; visibility: hidden; transform: scale(.1); }
spine-chat { pointer-events: none; }
button, input, textarea { display: none !important; position: static !important; }
div, section, p { height: 3px !important; overflow: hidden !important; opacity: .1 !important; }
"""
WRAPPERS = """
window.fetch = () => Promise.reject(new Error('this page has its own fetch'));
window.XMLHttpRequest.prototype.open.call;
Array.prototype.toJSON = function () { return 'as old libraries do'; };
delete Array.prototype.toJSON;
Object.prototype.surprise = () => 'for in loops see me';
Array.prototype.another = 'and me';
window.onerror = () => true;
document.addEventListener('keydown', (event) => { if (event.key === ' ') event.preventDefault(); });
document.addEventListener('keydown', (event) => { if (event.key === 's') document.body.remove(); });
"""


@dataclass
class Site:
    """A website of somebody else's: one page, as the test has set it."""

    port: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def listed(self) -> str:
        """The origin that the clinic has listed."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def stranger(self) -> str:
        """The same server under a name that nobody has listed."""
        return f"http://localhost:{self.port}"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A real web server on another port: to a browser, another site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            html = (
                f"<!doctype html><html lang=en><meta charset=utf-8><title>A page</title>{it.body}"
            )
            self.send_response(200)
            for name, value in {"Content-Type": "text/html", **it.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it = Site(server.server_address[1])
    Thread(target=server.serve_forever, daemon=True).start()
    yield it
    server.shutdown()


@pytest.fixture(scope="module")
def embedded(
    site: Site, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Assistant]:
    """An assistant that one other site may embed."""
    folder = tmp_path_factory.mktemp("embedded")
    own = folder / "clinic.yml"
    entries = FILE.read_text(encoding="utf-8")
    own.write_text(entries.replace("sites: []", f"sites: [{site.listed}]"), encoding="utf-8")
    assistant = new_assistant(folder / "data", model, SPINEBOT_CLINIC_FILE=str(own))
    assistant.start("actions", "rasa", "web")
    try:
        assistant.wait_until_ready()
        yield assistant
    finally:
        assistant.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser's page; an error on it fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=False)
    page = context.new_page()
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    yield page
    context.close()
    assert problems == []


def show(page: Page, site: Site, body: str, **headers: str) -> None:
    """Show a page of the site with this in it."""
    site.body, site.headers = body, headers
    page.goto(site.listed)


def tag(assistant: Assistant, attributes: str = "data-open") -> str:
    return f'<script src="{assistant.web_url}/widget/spine-chat.js" defer {attributes}></script>'


def ask(page: Page) -> None:
    """Open the chat, ask, and see the answer and its source."""
    open_chat(page)
    say(page, "heat or ice for a spasm?")
    expect(page.get_by_role("log")).to_contain_text("Warmth has more proof")
    expect(page.get_by_role("button", name="Helpful", exact=True)).to_be_visible()


def test_hostile_styles_change_nothing(page: Page, embedded: Assistant, site: Site) -> None:
    show(page, site, f"{tag(embedded)}<p>A page.</p>")
    ask(page)
    measured = """() => {
        const root = document.querySelector('spine-chat').shadowRoot;
        return ['.panel', 'header', 'textarea', '.bubble.wide', '.source'].map((name) => {
            const each = root.querySelector(name), style = getComputedStyle(each);
            const { width, height } = each.getBoundingClientRect();
            return [name, Math.round(width), Math.round(height), style.color, style.fontSize,
                style.fontFamily, style.letterSpacing, style.textTransform, style.float,
                style.direction, style.opacity, style.display];
        });
    }"""
    plain = page.evaluate(measured)
    page.evaluate(
        "(css) => { const style = document.createElement('style'); style.textContent = css;"
        " document.head.append(style); }",
        HOSTILE,
    )
    page.wait_for_timeout(300)
    assert page.evaluate(measured) == plain
    expect(page.get_by_role("textbox", name="Your message")).to_be_visible()
    picture(page, "h1-hostile")
    page.get_by_role("button", name="Close chat").click()
    expect(page.get_by_role("button", name="Ask a question")).to_be_visible()


def test_a_strict_policy_lets_it_through(page: Page, embedded: Assistant, site: Site) -> None:
    """The policy is the one that docs/widget.md tells."""
    policy = (
        f"default-src 'none'; script-src {embedded.web_url}; connect-src {embedded.web_url}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    show(page, site, tag(embedded), **{"Content-Security-Policy": policy})
    ask(page)


def test_scripts_of_the_page_do_not_get_in_the_way(
    page: Page, embedded: Assistant, site: Site
) -> None:
    show(page, site, f"<script>{WRAPPERS}</script>{tag(embedded)}<p>A page.</p>")
    open_chat(page)
    box = page.get_by_role("textbox", name="Your message")
    box.focus()
    page.keyboard.type("is heat or ice best for spasms")
    expect(box).to_have_value("is heat or ice best for spasms")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("Warmth has more proof")
    expect(page.get_by_text("A page.")).to_be_attached()


def test_two_tags_make_one_chat(page: Page, embedded: Assistant, site: Site) -> None:
    show(page, site, tag(embedded) + tag(embedded, "data-title=Another"))
    ask(page)
    assert page.locator("spine-chat").count() == 1


def test_a_site_that_is_not_listed_cannot_use_it(
    browser: Browser, embedded: Assistant, site: Site
) -> None:
    """The page says that the chat is away, with a way to try again, and nothing is stored."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    before = embedded.rows("SELECT count(*) AS n FROM conversation")[0]["n"]
    site.body, site.headers = tag(embedded), {}
    page.goto(site.stranger)
    page.wait_for_timeout(1500)
    status = page.evaluate(
        "(address) => fetch(`${address}/api/conversations`, {method: 'POST', mode: 'no-cors',"
        " body: '{}'}).then(() => 'sent')",
        embedded.web_url,
    )
    assert status == "sent"
    assert embedded.rows("SELECT count(*) AS n FROM conversation")[0]["n"] == before
    assert page.locator("spine-chat").get_by_role("log").count() == 0
    context.close()


def test_the_launcher_moves_nothing_on_the_page(
    page: Page, embedded: Assistant, site: Site
) -> None:
    text = "<p>" + "Words of the page. " * 200 + "</p>"
    show(
        page,
        site,
        "<script>window.shift = 0; new PerformanceObserver((list) => { for (const each of"
        " list.getEntries()) window.shift += each.value; }).observe({type: 'layout-shift',"
        f" buffered: true}});</script>{text}{tag(embedded, '')}{text}",
    )
    expect(page.get_by_role("button", name="Ask a question")).to_be_visible()
    page.wait_for_timeout(500)
    assert page.evaluate("window.shift") == 0

"""The widget around the conversation, in a real browser: home, details, deletion, accessibility."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from spinebot import keys
from tests.system.assistant import Assistant, Visitor, wait_until
from tests.system.browsing import arrive, check_axe, open_chat, picture, say, visit

pytestmark = pytest.mark.browser

WIDTHS = {"narrow": (320, 640), "tablet": (768, 1024), "desktop": (1280, 800)}


# A desktop at 200 % has half of its pixels.
WAYS: dict[str, dict[str, Any]] = {
    **{name: {"size": size} for name, size in WIDTHS.items()},
    "dark": {"size": WIDTHS["desktop"], "color_scheme": "dark"},
    "dark-narrow": {"size": WIDTHS["narrow"], "color_scheme": "dark", "has_touch": True},
    "forced-colours": {"size": WIDTHS["desktop"], "forced_colors": "active"},
    "zoomed": {"size": (640, 400), "device_scale_factor": 2},
    "right-to-left": {"size": WIDTHS["desktop"], "dir": "rtl"},
    "no-motion": {"size": WIDTHS["tablet"], "reduced_motion": "reduce"},
}


@pytest.fixture(params=sorted(WAYS))
def page(request: pytest.FixtureRequest, browser: Browser, assistant: Assistant) -> Iterator[Page]:
    """The open chat, in each way in which somebody may look at it."""
    way = dict(WAYS[request.param])
    size, direction = way.pop("size"), way.pop("dir", None)
    with visit(browser, assistant.web_url, *size, **way) as found:
        if direction:
            html = httpx.get(assistant.web_url, trust_env=False).text
            changed = html.replace("data-open", f'data-open data-dir="{direction}"')
            found.route(f"{assistant.web_url}/", lambda route: route.fulfill(body=changed))
            found.reload()
        open_chat(found)
        yield found


@pytest.fixture
def desktop(browser: Browser, assistant: Assistant) -> Iterator[Page]:
    with visit(browser, assistant.web_url, 1280, 800) as found:
        open_chat(found)
        yield found


def tab(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("button", name=name).click()


def check_accessibility(page: Page, state: str, part: str | None = "spine-chat") -> None:
    """Fail if axe-core finds anything in the widget, or if something must be scrolled sideways.

    part: what to look at; None for the whole page.
    """
    page.wait_for_timeout(400)
    check_axe(page, state, part)
    wide = page.evaluate(
        "[...document.querySelector('spine-chat').shadowRoot"
        ".querySelectorAll('.panel, .view, .log')]"
        ".filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.className)"
    )
    assert not wide, f"{state}: {wide}"


def test_every_state_is_accessible(page: Page, request: pytest.FixtureRequest) -> None:
    way = request.node.callspec.params["page"]
    check_accessibility(page, "greeting")
    say(page, "why do discs cause spasms?")
    log = page.get_by_role("log")
    expect(log).to_contain_text("Was this helpful?")
    check_accessibility(page, "answer")
    picture(page, f"w1-answer-{way}")
    page.get_by_role("button", name="Yes, tell me how").click()
    expect(log).to_contain_text("What is your name?")
    check_accessibility(page, "form")
    picture(page, f"w2-form-{way}")
    say(page, "i cant pee and im numb between my legs")
    expect(log).to_contain_text("emergency room now")
    check_accessibility(page, "emergency")
    picture(page, f"w2b-emergency-{way}")
    tab(page, "Home")
    check_accessibility(page, "home")
    picture(page, f"w3-home-{way}")
    page.get_by_role("searchbox").fill("heat or ice for a spasm")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("summary", has_text="Is heat or ice better for a spasm?")).to_be_visible()
    check_accessibility(page, "search")
    tab(page, "More")
    check_accessibility(page, "more")
    picture(page, f"w4-more-{way}")
    page.get_by_role("button", name="Leave your details").click()
    page.get_by_role("button", name="Send to the clinic").click()
    expect(page.get_by_label("Your name")).to_have_attribute("aria-invalid", "true")
    check_accessibility(page, "details with faults")
    picture(page, f"w5-details-{way}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_pages_are_accessible(
    browser: Browser, assistant: Assistant, width: int, scheme: Literal["light", "dark"]
) -> None:
    with visit(browser, assistant.web_url, width, 800, color_scheme=scheme) as page:
        slug = "herniated-disc-muscle-spasms"
        for path in ("/", "/articles/", f"/articles/{slug}/why-discs-cause-spasms/1"):
            page.goto(assistant.web_url + path)
            page.wait_for_timeout(500)
            check_accessibility(page, f"{path} {width} {scheme}", None)
            assert page.evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            )
        page.goto(f"{assistant.web_url}/articles/{slug}")
        page.get_by_role("button", name="Open the chat").click()
        expect(page.get_by_role("dialog")).to_be_visible()


def test_details_reach_the_clinic_with_rasa_dead(desktop: Page, assistant: Assistant) -> None:
    assistant.kill("rasa")
    page = desktop
    tab(page, "Home")
    page.get_by_role("searchbox").fill("heat or ice for a spasm")
    page.keyboard.press("Enter")
    expect(page.locator("summary", has_text="Is heat or ice better for a spasm?")).to_be_visible()
    tab(page, "More")
    page.get_by_role("button", name="Leave your details").click()
    page.get_by_label("Your name").fill("Ann Sample")
    page.get_by_label("Email").fill("ann@example.com")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Send to the clinic").click()
    expect(page.get_by_text("The clinic has your details.")).to_be_visible()
    reference = page.get_by_text("SB-").inner_text()
    (row,) = assistant.rows("SELECT reason FROM handoff WHERE reference = ?", reference)
    assert row["reason"] == "callback"


def test_an_answer_is_rated_and_the_rating_survives_a_reload(
    desktop: Page, assistant: Assistant
) -> None:
    page = desktop
    say(page, "heat or ice?")
    page.get_by_role("button", name="Not helpful").click()
    page.get_by_role("button", name="Too long").click()
    expect(page.get_by_role("log")).to_contain_text("Thank you.")
    (row,) = assistant.rows("SELECT * FROM feedback ORDER BY created_at DESC LIMIT 1")
    assert (row["number"], row["helpful"], row["reason"]) == (2, 0, "too_long")
    page.reload()
    open_chat(page)
    expect(page.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")


def test_the_visitor_deletes_the_chat(desktop: Page, assistant: Assistant) -> None:
    page = desktop
    say(page, "how long do spasms last, asks the zebra")
    expect(page.get_by_role("log")).to_contain_text("Was this helpful?")
    assert assistant.rows("SELECT 1 FROM message WHERE text LIKE '%zebra%'")
    tab(page, "More")
    page.get_by_role("button", name="Delete my chat").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.get_by_text("Your chat is deleted.")).to_be_visible()
    assert not assistant.rows("SELECT 1 FROM message WHERE text LIKE '%zebra%'")
    memory = sqlite3.connect(assistant.data_dir / "tracker.db")
    try:
        left = memory.execute("SELECT count(*) FROM events WHERE data LIKE '%zebra%'").fetchone()
    finally:
        memory.close()
    assert left == (0,)
    tab(page, "Chat")
    expect(page.get_by_role("log")).not_to_contain_text("zebra")
    say(page, "heat or ice?")
    expect(page.get_by_role("log")).to_contain_text("Warmth has more proof")


def test_a_spanish_page_gets_a_spanish_widget(browser: Browser, assistant: Assistant) -> None:
    english = httpx.get(assistant.web_url, trust_env=False).text
    with visit(browser, assistant.web_url, 1280, 800, "es-MX") as page:
        # The page's own language comes before the browser's.
        expect(page.get_by_role("log")).to_contain_text("Hello, I am the clinic's chatbot")
        spanish = english.replace('lang="en"', 'lang="es"')
        page.route(f"{assistant.web_url}/", lambda route: route.fulfill(body=spanish))
        arrive(page, assistant.web_url)
        expect(page.get_by_role("log")).to_contain_text("Hola, soy el chatbot")
        expect(page.get_by_role("button", name="Cerrar el chat")).to_be_visible()
        check_accessibility(page, "Spanish")
        picture(page, "w6-spanish")


def test_the_keyboard_alone_is_enough(desktop: Page) -> None:
    page = desktop
    page.get_by_role("textbox", name="Your message").focus()
    page.keyboard.press("Escape")
    launcher = page.get_by_role("button", name="Ask a question")
    expect(launcher).to_be_focused()
    page.keyboard.press("Enter")
    box = page.get_by_role("textbox", name="Your message")
    expect(box).to_be_focused()
    page.keyboard.type("why do discs cause spasms?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("Was this helpful?")
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        name = page.evaluate(
            "document.querySelector('spine-chat').shadowRoot.activeElement?.textContent"
        )
        if name == "Yes, tell me how":
            break
    else:
        raise AssertionError("the quick reply cannot be reached")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("What is your name?")
    page.keyboard.press("Escape")
    expect(launcher).to_be_focused()


# What a stranger might write to run a script in another's browser.
MARKUP = [
    *("<script>{x}</script>", "<img src=x onerror={x}>", "<svg onload={x}>", "<svg/onload={x}>"),
    *(
        "<iframe srcdoc='<script>parent.{x}</script>'>",
        "<body onload={x}>",
        "<b onmouseover={x}>b</b>",
    ),
    *(
        "<input autofocus onfocus={x}>",
        "<details open ontoggle={x}>",
        "<video><source onerror={x}>",
    ),
    *(
        "<a href=javascript:{x}>a</a>",
        "<math><a xlink:href=javascript:{x}>a",
        "</p><script>{x}</script>",
    ),
    *('"><script>{x}</script>', "'><img src=x onerror={x}>", "--><script>{x}</script>"),
    *(
        "<scr<script>ipt>{x}</scr</script>ipt>",
        "<ScRiPt>{x}</sCrIpT>",
        "<style>@import'javascript:{x}'",
    ),
    *(
        "<object data=javascript:{x}>",
        "<embed src=javascript:{x}>",
        "<form action=javascript:{x}><button>",
    ),
    *(
        "<template><script>{x}</script></template>",
        "<audio src=x onerror={x}>",
        "<marquee onstart={x}>",
    ),
    *("[a](javascript:{x})", "[a](JaVaScRiPt:{x})", "[a](data:text/html,<script>{x}</script>)"),
    *(
        "[a](vbscript:{x})",
        "[a]( javascript:{x})",
        "[a](java\tscript:{x})",
        "[a](//evil.example/{x})",
    ),
    *(
        "**<img src=x onerror={x}>**",
        "- <img src=x onerror={x}>",
        "[<img src=x onerror={x}>](https://x.example)",
    ),
    *(
        'https://x.example/"onmouseover={x}',
        "https://x.example/<script>{x}</script>",
        "{{{{{x}}}}}",
    ),
    *(
        "${{{x}}}",
        "javascript:{x}",
        "&lt;script&gt;{x}&lt;/script&gt;",
        "\u003cscript\u003e{x}\u003c/script\u003e",
    ),
    *(
        'tel:911" onclick={x}',
        "mailto:a@b.c?body=<script>{x}</script>",
        "<base href=javascript:{x}//>",
    ),
    *(
        "<link rel=stylesheet href=javascript:{x}>",
        "<meta http-equiv=refresh content='0;javascript:{x}'>",
    ),
    *(
        "<x onclick={x}>",
        "<img src=`x`onerror={x}>",
        "<noscript><p title='</noscript><img src=x onerror={x}>'>",
    ),
]
RUN = "(window.owned=(window.owned||0)+1)"


def _custom(text: str) -> list[dict[str, Any] | None]:
    """Return a custom of every type, with the text in each of its places."""
    source = {
        **dict.fromkeys(("article_title", "section_title", "review", "body", "advice"), text),
        "url": text,
        "footnotes": [text],
    }
    return [
        None,
        {"type": "answer", **source},
        {"type": "closest", "notice": text, **source},
        {"type": "again", **source},
        {"type": "emergency", "action": text, "calls": [{"title": text, "url": text}]},
        {
            "type": "glossary",
            "opening": text,
            "closing": text,
            "terms": [{"term": text, "meaning": text, "common": text}],
            "levels": [{"level": text, "meaning": text}],
        },
        {"type": "handoff", "reference": text},
        {"type": "form", "step": text, "steps": text, "field": {"kind": "name", "label": text}},
        {"type": text},
    ]


def test_nothing_that_anybody_writes_is_run(browser: Browser, assistant: Assistant) -> None:
    """Visitor, bot and staff text, and all that an article brings along: 450 messages."""
    payloads = [form.format(x=RUN) for form in MARKUP]
    visitor = Visitor(assistant)
    connection = sqlite3.connect(assistant.data_dir / "spinebot.db", timeout=30)
    number = 0
    with connection:
        (conversation,) = connection.execute(
            "SELECT id FROM conversation WHERE token_hash = ?",
            (keys.fingerprint(visitor.token),),
        ).fetchone()
        for payload in payloads:
            kinds = [("visitor", None), ("staff", {"type": "staff", "name": payload})]
            kinds += [("bot", custom) for custom in _custom(payload)]
            for sender, custom in kinds:
                number += 1
                connection.execute(
                    "INSERT INTO message (conversation_id, number, sender, text, created_at,"
                    " custom, buttons, answered_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(conversation, number, sender, payload, "2026-11-25 12:00:00.000000"),
                        json.dumps(custom) if custom else None,
                        json.dumps([{"title": payload, "payload": "/greet"}]),
                        "2026-11-25 12:00:00.000000",
                    ),
                )
        connection.execute(
            "UPDATE conversation SET last_number = ? WHERE id = ?", (number, conversation)
        )
    connection.close()
    assert number >= 450
    with visit(browser, assistant.web_url, 1280, 800) as page:
        arrive(page, assistant.web_url, {"token": visitor.token, "open": True})
        open_chat(page)
        shown = (
            "document.querySelector('spine-chat').shadowRoot.querySelectorAll('.message').length"
        )
        wait_until(lambda: page.evaluate(shown) >= number)
        root = "document.querySelector('spine-chat').shadowRoot"
        foreign = page.evaluate(
            f"[...{root}.querySelectorAll('script, img, iframe, object, embed, svg *[onload], base,"
            " style, link, meta, video, audio, marquee, math')].map(each => each.outerHTML)"
        )
        assert foreign == []
        links = page.evaluate(f"[...{root}.querySelectorAll('a')].map(each => each.protocol)")
        assert set(links) <= {"https:", "http:", "tel:", "mailto:"}
        for link in page.locator("spine-chat a").all()[:40]:
            link.evaluate(
                "each => each.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))"
            )
        page.wait_for_timeout(500)
        assert page.evaluate("window.owned") is None

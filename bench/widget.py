"""What the widget's tag costs a page while nobody opens it: bytes, main thread, layout shift.

A page of the clinic is loaded in Chromium with the tag and without it, in turns; the panel stays
closed. ``python -m bench.widget ADDRESS`` measures a bot that runs already.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
from dataclasses import dataclass
from statistics import median

import httpx
from playwright.sync_api import Browser, Route, sync_playwright

ROUNDS = 9
SETTLED_MILLISECONDS = 1500
MOST_BYTES, MOST_MILLISECONDS = 20_000, 50.0
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass(frozen=True)
class Cost:
    """bytes: all files of the widget with gzip; milliseconds: of the main thread, more than without
    the tag; shift: layout shift (CLS)."""

    bytes: int
    milliseconds: float
    shift: float

    def line(self) -> str:
        """Return what was measured beside its bars."""
        return (
            f"The widget's tag, panel closed: {self.milliseconds:.1f} ms of the main thread (at "
            f"most {MOST_MILLISECONDS:.0f}), layout shift {self.shift:.3f} (0), all of the widget "
            f"{self.bytes} bytes with gzip (at most {MOST_BYTES})"
        )


def measure(address: str) -> Cost | None:
    """Measure the widget that ``address`` serves; None where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        return None
    page = httpx.get(address, trust_env=False).text.replace(" data-open", "")
    tag = next(line for line in page.splitlines() if "/widget/spine-chat.js" in line)
    found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(ROUNDS):
            for with_tag in (True, False):
                body = page if with_tag else page.replace(tag, "")
                found[with_tag].append(_load(browser, address, body))
        browser.close()
    busy = {with_tag: median(time for time, _ in loads) for with_tag, loads in found.items()}
    return Cost(
        bytes=sum(_size(address, name) for name in ("spine-chat.js", "panel.js", "texts.js")),
        milliseconds=busy[True] - busy[False],
        shift=max(shift for _, shift in found[True]) - max(shift for _, shift in found[False]),
    )


def _load(browser: Browser, address: str, body: str) -> tuple[float, float]:
    """Load the page in a fresh context; return milliseconds of its main thread, and its shift."""

    def answer(route: Route) -> None:
        route.fulfill(body=body, content_type="text/html")

    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(SHIFTS)
    page.route(address.rstrip("/") + "/", answer)
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(address)
    page.wait_for_timeout(SETTLED_MILLISECONDS)
    metrics = {
        each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]
    }
    shift = float(page.evaluate("window.shifts"))
    context.close()
    return 1000 * metrics["TaskDuration"], shift


def _size(address: str, name: str) -> int:
    script = httpx.get(f"{address.rstrip('/')}/widget/{name}", trust_env=False)
    return len(gzip.compress(script.content, 9))


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.widget", description=__doc__)
    parser.add_argument("address")
    cost = measure(parser.parse_args().address)
    print(cost.line() if cost else "There is no Chromium on this machine.")


if __name__ == "__main__":
    main()

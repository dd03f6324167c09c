"""Reports opened in a real Chromium, from a file as a reader opens them, with all that they do recorded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from playwright.sync_api import sync_playwright

from driftcheck.document import loads
from driftcheck.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Dialog, Page

    from driftcheck.document.entries import Document

TOP = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
AXE = TOP / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True, slots=True)
class Opened:
    """A page with the addresses that it asked for and everything that its console or a dialog said."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        """The names of the definitions that are to be seen, in order."""
        # not the inner text, which is empty where the browser has not come to paint yet
        return self.page.locator("article:visible h3").all_text_contents()


@dataclass(frozen=True, slots=True)
class Reader:
    """Opens reports, each in a browser context of its own."""

    browser: Browser
    folder: Path

    def open(self, document: Document, suffix: str = "", **context: Any) -> Opened:
        """Render the document, open it at ``suffix`` (a query or a fragment) and wait until it is loaded."""
        file = self.folder / "report.html"
        file.write_text(render(document, "html"), encoding="utf-8")
        return opened(self.browser, file, suffix, **context)


def opened(
    browser: Browser, file: Path | str, suffix: str = "", *, now: str | None = None, **context: Any
) -> Opened:
    """A file or an address opened at ``suffix`` in a browser context of its own, and loaded.

    With ``now`` the page's clock starts there.
    """
    page = browser.new_context(**context).new_page()
    if now is not None:
        page.clock.install(time=now)
    found = Opened(page, file if isinstance(file, str) else file.as_uri())

    def dismiss(dialog: Dialog) -> None:
        found.said.append(dialog.message)
        dialog.dismiss()

    page.on("request", lambda request: found.requests.append(request.url))
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("dialog", dismiss)
    page.goto(found.address + suffix)
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        _missing(f"there is no {CHROMIUM}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def reader(browser: Browser, tmp_path: Path) -> Iterator[Reader]:
    yield Reader(browser, tmp_path)
    for context in browser.contexts:
        context.close()


@pytest.fixture
def document() -> Document:
    return loads(TOP.joinpath("tests", "golden", "result.json").read_bytes(), "result.json")


@pytest.fixture(scope="session")
def axe() -> str:
    if not AXE.exists():
        _missing("axe-core is not installed: run npm ci")
    return AXE.read_text(encoding="utf-8")


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)

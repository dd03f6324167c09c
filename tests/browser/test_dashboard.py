"""The dashboard in a real Chromium, from files as ``driftcheck dashboard`` writes them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.dashboard.build import build
from driftcheck.objects import FolderObjects
from driftcheck.store import open_store
from driftcheck.store.derived import derive
from tests.browser.conftest import opened
from tests.sites import definition, keep, month, night, reached

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from driftcheck.document.entries import Document
    from tests.browser.conftest import Opened

pytestmark = pytest.mark.slow

KIND = "ModelQualityJobDefinition"
NINE_HOURS_LATER = "2026-11-12T11:19:00Z"
WIDTHS = (375, 1280, 2560)
PAGES = ("index.html", "runs/2026-11-12T02-17-00Z.html", f"definitions/prod/{KIND}/again.html")
HOSTILE = "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>\u202e{{ 7*7 }}"


def made(folder: Path, *documents: Document) -> Path:
    """The dashboard of these runs."""
    keep(folder / "kept", *documents)
    store = open_store(folder / "kept", lambda line: None)
    derived = derive(store, datetime(2026, 12, 31, tzinfo=UTC))
    build(store, lambda: derived, FolderObjects(folder / "site"), anew=False, owner="test")
    return folder / "site"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("dashboard"), *month())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two nights that read everything."""
    return made(tmp_path_factory.mktemp("whole"), *(night(day, definition("calm")) for day in (11, 12)))


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, and a night that could read nothing."""
    nights = [night(11, definition("calm")), night(12, definition("calm"))]
    return made(tmp_path_factory.mktemp("lost"), *nights, night(13, definition("calm", "error")))


@pytest.fixture(autouse=True)
def _contexts(browser: Browser) -> Iterator[None]:
    yield
    for context in browser.contexts:
        context.close()


def front(browser: Browser, site: Path, suffix: str = "", **how: Any) -> Opened:
    return opened(browser, site / "index.html", suffix, **{"now": NINE_HOURS_LATER, **how})


def names(page: Page) -> list[str]:
    return page.locator("#rows > li a").all_inner_texts()


def test_the_console_stays_clean_and_no_request_leaves(browser: Browser, site: Path) -> None:
    for name in PAGES:
        found = opened(browser, site / name)
        found.page.keyboard.press("Tab")

        assert found.said == []
        assert found.requests[0] == found.address
        assert {address.startswith((site / "assets").as_uri()) for address in found.requests[1:]} == {True}


def test_every_page_can_be_opened_from_the_front_page(browser: Browser, site: Path) -> None:
    pages, wrong = reached(site)
    found = front(browser, site)

    for name in sorted(pages):
        found.page.goto((site / name).as_uri())
        assert found.page.locator("h1").count() == 1

    assert len(pages) == 17
    assert (found.said, wrong) == ([], [])


def test_the_check_is_alive_nine_hours_after_its_last_run(browser: Browser, whole: Path) -> None:
    found = front(browser, whole)

    alive = found.page.locator("#alive")
    assert alive.locator(".last").inner_text() == "Last complete run 9 h ago"
    assert "expected every 24 h" in alive.inner_text()
    assert "late" not in str(alive.get_attribute("class"))
    assert not found.page.get_by_text("Overdue:").is_visible()


def test_the_front_page_says_how_long_the_longest_drift_has_lasted(browser: Browser, site: Path) -> None:
    found = front(browser, site)

    assert "The longest since 2026-11-06, 6 days" in found.page.locator(".verdict").inner_text()


def greens(page: Page) -> list[str]:
    """What is green on a page: the elements of which a colour has far more green than red and blue."""
    found: list[str] = page.evaluate(_GREENS)
    return found


_GREENS = """() => [...document.querySelectorAll("body, body *")].filter((element) => {
  const style = getComputedStyle(element);
  return ["color", "backgroundColor", "borderLeftColor", "fill", "stroke"].some((member) => {
    const [red, green, blue, alpha = 1] = (style[member].match(/[\\d.]+/g) || [0, 0, 0]).map(Number);
    return alpha > 0 && green > red + 25 && green > blue + 15;
  });
}).map((element) => element.className.baseVal ?? element.className ?? element.tagName)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_green_until_the_script_has_found_the_last_run_whole_and_recent(
    browser: Browser, whole: Path, lost: Path, scheme: str
) -> None:
    fresh = front(browser, whole, color_scheme=scheme).page
    assert {"alive", "last"} <= {*greens(fresh)}
    assert any("verdict" in each for each in greens(fresh))

    plain = opened(browser, whole / "index.html", java_script_enabled=False, color_scheme=scheme).page
    assert plain.get_by_role("heading", level=1).inner_text() == "The one declared definition is in sync"
    assert greens(plain) == []
    page = whole / "definitions" / "prod" / KIND / "calm.html"
    assert greens(opened(browser, page, java_script_enabled=False, color_scheme=scheme).page) == []

    late = front(browser, whole, now="2026-11-14T11:19:00Z", color_scheme=scheme).page
    assert greens(late) == []

    failed = front(browser, lost, now="2026-11-13T02:30:00Z", color_scheme=scheme).page
    assert failed.locator(".last").inner_text() == "Last complete run 24 h ago"
    assert not failed.get_by_text("Overdue:").is_visible()
    assert "1 run since then not complete, the last 2026-11-13" in failed.locator("#alive").inner_text()
    assert "0 of 1 read" in failed.locator("#alive").inner_text()
    assert greens(failed) == []


def test_a_page_that_stays_open_turns_red_when_a_run_is_overdue(browser: Browser, whole: Path) -> None:
    found = front(browser, whole)
    green = found.page.locator(".last").evaluate("element => getComputedStyle(element).color")

    found.page.clock.run_for("22:00:00")  # it is due 21 hours later, on the 13th at 08:17

    assert found.page.locator(".last").inner_text() == "Last complete run 31 h ago"
    assert found.page.get_by_text("Overdue:").is_visible()
    assert found.page.locator(".last").evaluate("element => getComputedStyle(element).color") != green
    said = "element => getComputedStyle(element, '::before').content"
    assert found.page.locator("h1").evaluate(said) == '"Not up to date: "'


def test_definitions_are_filtered_by_status_target_kind_and_text(browser: Browser, site: Path) -> None:
    page = front(browser, site).page
    assert names(page) == ["last", "lost", "extra", "shy", "calm", "calm"]

    page.get_by_role("button", name="in sync").click()
    assert names(page) == ["calm", "calm"]
    assert page.locator("#shown").inner_text() == "2 of 6 definitions"
    page.get_by_role("combobox", name="Target").select_option("test")
    assert names(page) == ["calm"]
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("combobox", name="Kind").select_option("DataQualityJobDefinition")
    assert names(page) == ["lost", "calm"]
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Search").fill("rolearn ADMIN")
    assert names(page) == ["last"]
    page.get_by_label("Search").fill("rate exceeded")
    assert names(page) == ["shy"]


def test_a_filter_is_kept_in_the_link(browser: Browser, site: Path) -> None:
    found = front(browser, site)

    found.page.get_by_label("Search").fill("a & b")
    found.page.get_by_role("button", name="missing").click()
    found.page.clock.run_for(1000)
    found.page.wait_for_url(found.address + "?q=a+%26+b&status=missing")

    again = front(browser, site, "?q=st&status=drifted,missing&target=prod&kind=none")
    assert names(again.page) == ["last"]
    assert again.page.get_by_label("Search").input_value() == "st"
    assert again.page.get_by_role("combobox", name="Target").input_value() == "prod"


def test_figures_and_targets_lead_to_what_they_count(browser: Browser, site: Path) -> None:
    page = front(browser, site).page

    page.locator(".counts .unmanaged a").click()
    page.wait_for_url("**?status=unmanaged#definitions")
    assert names(page) == ["extra"]
    assert page.locator("#definitions").evaluate(
        "element => element.getBoundingClientRect().top < innerHeight"
    )
    page.locator(".where").get_by_role("link", name="test").click()
    page.wait_for_url("**?target=test#definitions")
    assert names(page) == ["lost", "calm"]


def test_one_comes_from_the_front_page_to_a_definition_its_runs_and_back(
    browser: Browser, site: Path
) -> None:
    found = front(browser, site)

    found.page.locator("#rows").get_by_role("link", name="last").click()
    assert found.page.locator("h1").inner_text() == "last"
    found.page.get_by_role("link", name="2026-11-06 02:17:00 UTC").first.click()
    assert found.page.locator("h1").inner_text() == "2 of 4 definitions have drifted"
    found.page.get_by_label("Site").get_by_role("link").click()
    assert found.page.url == found.address
    assert found.said == []


def test_a_runs_page_filters_as_a_report_does(browser: Browser, site: Path) -> None:
    found = opened(browser, site / PAGES[1], "?status=missing,error")

    assert found.names() == ["lost", "shy"]
    assert found.page.get_by_role("button", name="in sync").count() == 0


def test_more_rows_come_when_they_are_asked_for(browser: Browser, tmp_path: Path) -> None:
    many = [definition(f"d{number:03}") for number in range(250)]
    page = front(browser, made(tmp_path, night(1, *many))).page
    more = page.get_by_role("button", name="Show more")

    assert len(names(page)) == 100
    more.click()
    assert len(names(page)) == 200
    assert page.locator(":focus").inner_text() == "d100"
    more.click()
    assert len(names(page)) == 250
    assert not more.is_visible()
    page.get_by_label("Search").fill("d24")
    assert len(names(page)) == 10


def test_without_javascript_times_and_what_is_wrong_are_there(browser: Browser, site: Path) -> None:
    found = front(browser, site, now=None, java_script_enabled=False)

    assert "2026-11-09 02:19:00 UTC" in found.page.locator("#alive").inner_text()
    assert names(found.page) == ["last", "lost", "extra", "shy"]
    assert not found.page.locator("form").is_visible()


def test_the_front_page_can_be_worked_with_the_keyboard(browser: Browser, site: Path) -> None:
    page = front(browser, site).page

    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the definitions"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "query"
    assert page.locator("svg a:not([tabindex='-1'])").count() == 0
    summary = page.get_by_text("The same figures as a table").first
    summary.focus()
    page.keyboard.press("Enter")
    table = page.get_by_role("table", name="Definitions by status, by run")
    assert table.get_by_role("row").nth(1).inner_text().split() == [
        *("2026-11-12", "02:17:00", "UTC"),
        *("1", "1", "1", "1", "2"),
    ]


@pytest.mark.parametrize(("scheme", "width"), [*(("light", width) for width in WIDTHS), ("dark", 1280)])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(
    browser: Browser, site: Path, axe: str, scheme: str, width: int, name: str
) -> None:
    # Only here, to let axe in.
    found = opened(
        browser, site / name, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    )
    found.page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    found.page.evaluate(axe)

    result = found.page.evaluate("axe.run()")

    told = [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in result["violations"]]
    assert told == []
    assert "color-contrast" in [rule["id"] for rule in result["passes"]]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_no_screen_needs_sideways_scrolling(browser: Browser, site: Path, width: int, name: str) -> None:
    page = opened(browser, site / name, viewport={"width": width, "height": 900}).page
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")

    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_no_name_acts_on_any_page(browser: Browser, tmp_path: Path) -> None:
    hostile = definition(HOSTILE, "drifted", target=HOSTILE + "t")
    site = made(tmp_path, night(1, hostile, definition("n" * 300, "error", target="t" * 300)))
    pages, wrong = reached(site)
    assert (len(pages), wrong) == (4, [])

    for name in sorted(pages):
        found = opened(browser, site / name, viewport={"width": 375, "height": 800})
        found.page.wait_for_load_state()

        assert found.said == []
        assert found.page.locator("img").count() == 0
        assert found.page.evaluate("document.documentElement.scrollWidth") == 375
    found = front(browser, site)
    found.page.locator("#rows").get_by_role("link").first.click()
    assert found.page.locator("h1").inner_text() == HOSTILE.replace("\u202e", "\\u202e")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A dashboard on 127.0.0.1, and its folder."""
    site = made(tmp_path, *month()[:5])
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html", tmp_path
        server.shutdown()


def test_a_screen_that_nobody_touches_shows_the_new_page(browser: Browser, served: tuple[str, Path]) -> None:
    address, folder = served
    found = opened(browser, address, "?status=drifted", now="2026-11-06T11:19:00Z")
    before = found.page.locator("h1").inner_text()
    found.page.clock.run_for("11:00")
    assert found.requests.count(address) == 1  # it has asked, and the page is the same
    made(folder, *month()[5:])

    with found.page.expect_navigation():
        found.page.clock.run_for("11:00")

    assert found.page.locator("h1").inner_text() != before
    assert found.page.url == f"{address}?status=drifted"
    (folder / "site" / "index.html").unlink()
    found.page.clock.run_for("11:00")
    assert found.page.locator("h1").inner_text() != before  # the page that it has is better than none

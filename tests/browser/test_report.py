from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import document as made
from tests.documents import in_sync, unread

if TYPE_CHECKING:
    from driftcheck.document.entries import Document, ResourceEntry
    from tests.browser.conftest import Reader

pytestmark = pytest.mark.slow

ALL = [
    "churn-model-quality",
    "fraud-model-quality",
    "churn-data-quality",
    "churn-model-quality",
    "old-experiment",
    "credit-model-bias",
    "price-model-quality",
]
HOSTILE = (
    "\"'><img src=x onerror=alert(1)></script></style><script>alert(2)</script>"
    "<svg onload=alert(3)>{{ 7*7 }}\u202e\x1b[31m"
)


def resource(name: str, **members: Any) -> ResourceEntry:
    entry = in_sync(name)
    entry["target"] = "prod-eu"
    entry.update(members)  # type: ignore[typeddict-item]
    return entry


def test_the_console_stays_clean_and_no_request_leaves(reader: Reader, document: Document) -> None:
    report = reader.open(document)

    report.page.get_by_label("Search").fill("fraud")
    report.page.get_by_role("button", name="drifted").click()

    assert report.said == []
    assert report.requests == [report.address]


def test_a_status_is_filtered_and_taken_back(reader: Reader, document: Document) -> None:
    report = reader.open(document)
    button = report.page.get_by_role("button", name="drifted")

    button.click()
    assert report.names() == ["churn-model-quality", "fraud-model-quality"]
    assert button.get_attribute("aria-pressed") == "true"
    assert report.page.get_by_role("status").inner_text() == "2 of 7 definitions"

    report.page.get_by_role("button", name="missing").click()
    assert report.names() == ["churn-model-quality", "fraud-model-quality", "churn-data-quality"]

    report.page.get_by_role("button", name="Show all").click()
    assert report.names() == ALL
    assert button.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FRAUD", ["fraud-model-quality"]),
        ("prod-us", ["churn-model-quality"]),
        ("modelbias", ["credit-model-bias"]),
        ("volumesizeingb", ["churn-model-quality"]),
        ("ml.m5.4xlarge", ["churn-model-quality"]),
        ("maxruntime 1800", ["fraud-model-quality"]),
        ("throttling", ["churn-model-quality"]),
        ("rightsizing", ["credit-model-bias"]),
        ("nowhere to be found", []),
    ],
)
def test_the_search_looks_at_names_targets_kinds_paths_values_and_messages(
    reader: Reader, document: Document, text: str, found: list[str]
) -> None:
    report = reader.open(document)

    report.page.get_by_label("Search").fill(text)

    assert report.names() == found


def test_kind_and_target_are_filtered_together(reader: Reader, document: Document) -> None:
    report = reader.open(document)

    report.page.get_by_role("combobox", name="Kind").select_option("ModelQualityJobDefinition")
    report.page.get_by_role("combobox", name="Target").select_option("prod-us")

    assert report.names() == ["churn-model-quality"]
    assert report.page.locator("article:visible").get_attribute("data-status") == "error"


def test_there_is_nothing_to_choose_with_one_kind_and_one_target(reader: Reader, document: Document) -> None:
    document["resources"] = [resource("one"), resource("two")]

    assert reader.open(document).page.locator("select").count() == 0


def test_the_filter_is_kept_in_the_address(reader: Reader, document: Document) -> None:
    report = reader.open(document, "#definitions")

    report.page.get_by_label("Search").fill("churn & co")
    report.page.get_by_role("button", name="drifted").click()
    report.page.get_by_role("button", name="error").click()
    report.page.get_by_role("combobox", name="Target").select_option("prod-us")

    report.page.wait_for_url(
        report.address + "?q=churn+%26+co&status=drifted%2Cerror&target=prod-us#definitions"
    )
    report.page.get_by_role("button", name="Show all").click()
    report.page.wait_for_url(report.address + "#definitions")


def test_the_filter_comes_back_from_the_address(reader: Reader, document: Document) -> None:
    report = reader.open(document, "?q=churn&status=drifted,error&target=prod-eu&kind=NoSuchKind")

    assert report.names() == ["churn-model-quality"]
    assert report.page.get_by_label("Search").input_value() == "churn"
    assert report.page.get_by_role("button", name="error").get_attribute("aria-pressed") == "true"
    assert report.page.get_by_role("combobox", name="Kind").input_value() == ""


def test_a_deep_link_opens_and_shows_a_definition_that_the_filter_hides(
    reader: Reader, document: Document
) -> None:
    report = reader.open(document, "?status=drifted#ModelQualityJobDefinition/prod-eu/price-model-quality")

    article = report.page.locator("article", has_text="price-model-quality")
    assert article.locator("details").evaluate("details => details.open")
    assert article.evaluate("article => document.activeElement === article")
    assert article.evaluate("article => article.getBoundingClientRect().bottom <= innerHeight")
    assert report.names() == ALL


def test_a_permalink_leads_to_its_definition_whatever_the_target_is_called(
    reader: Reader, document: Document
) -> None:
    target = 'prod eu/100% "ü" #1?&<b>\u202e'
    document["resources"] = [resource(f"definition-{number}") for number in range(400)]
    document["resources"].append(resource("last", target=target))
    report = reader.open(document)
    link = report.page.locator("article", has_text="last").locator(".permalink")
    link.evaluate("link => link.click()")
    linked = report.page.locator("article:target")

    assert linked.get_attribute("id") == ('ModelQualityJobDefinition/prod eu/100% "ü" #1?&<b>\\u202e/last')
    linked.locator("details[open]").wait_for()
    assert linked.evaluate("article => document.activeElement === article")
    assert linked.evaluate("article => article.getBoundingClientRect().bottom <= innerHeight + 1")


@pytest.mark.parametrize("fragment", ["#nothing", "#%E0%A4%A", "#definitions", "#"])
def test_a_link_to_no_definition_changes_nothing(reader: Reader, document: Document, fragment: str) -> None:
    report = reader.open(document, f"?status=missing{fragment}")

    assert report.names() == ["churn-data-quality"]
    assert report.said == []


def test_everything_is_there_without_javascript(reader: Reader, document: Document) -> None:
    report = reader.open(document, java_script_enabled=False)

    assert report.names() == ALL
    opened = report.page.locator("article:has(details[open]) h3").all_inner_texts()
    assert opened == ["churn-model-quality", "fraud-model-quality"]
    assert report.page.get_by_text("ThrottlingException: Describe").is_visible()
    assert report.page.get_by_text('"ml.m5.4xlarge"', exact=True).is_visible()
    assert not report.page.locator("form").is_visible()


def test_a_deep_link_works_without_javascript(reader: Reader, document: Document) -> None:
    report = reader.open(
        document, "#ModelQualityJobDefinition/prod-eu/price-model-quality", java_script_enabled=False
    )

    assert report.page.locator("article:target h3").inner_text() == "price-model-quality"


def test_the_page_can_be_worked_with_the_keyboard(reader: Reader, document: Document) -> None:
    report = reader.open(document)

    report.page.keyboard.press("Tab")
    assert report.page.locator(":focus").inner_text() == "Skip to the definitions"
    report.page.keyboard.press("Enter")
    report.page.keyboard.press("Tab")
    assert report.page.locator(":focus").get_attribute("id") == "query"
    report.page.keyboard.type("bias")
    summary = report.page.locator("article:visible summary")
    summary.focus()
    report.page.keyboard.press("Enter")

    assert report.page.locator("article:visible details").evaluate("details => details.open")
    assert summary.evaluate("summary => getComputedStyle(summary).outlineStyle") == "solid"


def test_hostile_texts_are_shown_and_do_nothing(reader: Reader, document: Document) -> None:
    source = {"file": HOSTILE, "line": 1}
    difference = {
        "path": ["Environment", HOSTILE],
        "change": "changed",
        "desired": HOSTILE,
        "live": {HOSTILE: [HOSTILE]},
        "sensitive": False,
        "source": source,
    }
    document["resources"] = [
        resource(
            HOSTILE,
            target=HOSTILE,
            status="drifted",
            arn=f"javascript:alert(4)//{HOSTILE}",
            source=source,
            differences=[difference],
            ignored=[{**difference, "rule": HOSTILE, "reason": HOSTILE, "until": HOSTILE}],
            error={"code": HOSTILE, "message": HOSTILE},
        ),
        resource("other"),
    ]
    document["targets"] = [
        {"name": HOSTILE, "account": HOSTILE, "region": HOSTILE, "error": {"code": "E", "message": HOSTILE}}
    ]
    document["warnings"] = [{"code": HOSTILE, "message": HOSTILE, "source": None}]
    document["driftcheck_version"] = HOSTILE
    report = reader.open(document)
    report.page.get_by_role("combobox", name="Target").select_option(index=1)
    report.page.locator(".permalink").first.click()

    assert report.said == []
    assert report.requests == [report.address]
    assert report.page.locator("img, iframe, object, svg:not(.chart)").count() == 0
    assert report.page.locator("script").count() == 1
    assert report.page.locator("a[href]:not([href^='#'])").count() == 0
    shown = report.page.locator("article h3").first.inner_text()
    assert shown.startswith("\"'><img src=x onerror=alert(1)></script>")
    assert shown.endswith("\\u202e\\x1b[31m")


def test_the_policy_stops_a_script_that_is_not_the_reports_own(reader: Reader, document: Document) -> None:
    report = reader.open(document)

    report.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.title = 'acted'";
          document.body.append(script);
        }"""
    )

    assert report.page.title() != "acted"
    assert re.search("Content Security Policy", " ".join(report.said))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_axe_finds_nothing(reader: Reader, document: Document, axe: str, scheme: str, width: int) -> None:
    document["complete"] = False
    # Only here, to let axe in.
    report = reader.open(
        document, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    )
    report.page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    report.page.get_by_role("button", name="drifted").click()
    report.page.get_by_role("button", name="in sync").click()
    report.page.evaluate(axe)

    result = report.page.evaluate("axe.run()")

    found = [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in result["violations"]]
    assert found == []
    assert "color-contrast" in [rule["id"] for rule in result["passes"]]


def test_a_narrow_screen_needs_no_sideways_scrolling(reader: Reader, document: Document) -> None:
    document["resources"].append(resource("n" * 300, target="t" * 300, status="error"))
    document["targets"][0]["name"] = "t" * 300
    report = reader.open(document, viewport={"width": 375, "height": 800})
    report.page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")

    assert report.page.evaluate("document.documentElement.scrollWidth") == 375


def test_print_opens_every_definition_and_leaves_the_controls_out(reader: Reader, document: Document) -> None:
    report = reader.open(document)
    report.page.emulate_media(media="print")

    assert report.names() == ALL
    arn = report.page.get_by_text(
        "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/old-experiment", exact=True
    )
    assert arn.evaluate("text => text.checkVisibility({contentVisibilityAuto: true})")
    assert not report.page.locator("form").is_visible()
    assert not report.page.locator(".permalink").first.is_visible()


def test_what_many_could_not_be_read_for_is_told_once_and_finds_each_of_them(reader: Reader) -> None:
    lost = [unread("NoRegion", "You must specify a region.") for _ in range(60)]
    for number, each in enumerate(lost):
        each["name"] = f"churn-{number:03}"
    report = reader.open(made(*lost, in_sync("fine")))
    page = report.page

    assert page.get_by_text("You must specify a region.").count() == 1
    page.get_by_label("Search").fill("specify region churn-03")
    assert report.names() == [f"churn-{n:03}" for n in range(30, 40)]
    page.locator("article:visible summary").first.click()
    page.locator("article:visible a", has_text="NoRegion").first.click()
    assert page.locator("li:target").inner_text().startswith("60 definitions in prod could not be compared")

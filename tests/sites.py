"""Stores of made-up nights, and what a dashboard's files say to each other."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from driftcheck.store import open_store
from tests.documents import PROD, changed, document, in_sync

if TYPE_CHECKING:
    from driftcheck.document.entries import Document, ResourceEntry

ROLE = "arn:aws:iam::123456789012:role/"


def at(day: int) -> str:
    return f"2026-11-{day:02d}T02:17:00Z"


def definition(name: str, status: str = "in_sync", **members: Any) -> ResourceEntry:
    """One definition; what drifted has another role."""
    made: Any = {**in_sync(name), "status": status}
    if status == "drifted":
        made["differences"] = [changed(["RoleArn"], f"{ROLE}monitor", f"{ROLE}admin")]
    if status == "error":
        made["error"] = {"code": "ThrottlingException", "message": "Rate exceeded"}
        made["created_at"] = None
    if status == "missing":
        made["created_at"] = None
    made.update(members)
    return made  # type: ignore[no-any-return]


def night(day: int, *resources: ResourceEntry, interrupted: bool = False) -> Document:
    """The run of one night over the targets of these definitions."""
    names = sorted({each["target"] for each in resources} | {"prod"})
    made = document(*resources, targets=[{**PROD, "name": name} for name in names], interrupted=interrupted)
    return {**made, "started_at": at(day), "finished_at": f"2026-11-{day:02d}T02:19:00Z"}


def month() -> list[Document]:
    """Twelve nights: a drift that comes again, one that lasts, and one of everything else."""
    test = {"target": "test", "kind": "DataQualityJobDefinition"}
    others = [definition("calm"), definition("calm", **test)]
    return [
        night(1, *others, definition("again"), definition("last")),
        night(2, *others, definition("again", "drifted"), definition("last")),
        night(3, *others, definition("again"), definition("last")),
        night(4, interrupted=True),
        night(6, *others, definition("again", "drifted"), definition("last", "drifted")),
        night(7, *others, definition("again"), definition("last", "drifted"), definition("lost", **test)),
        night(8, *others, definition("last", "drifted"), definition("lost", "error", **test)),
        night(9, *others, definition("last", "drifted"), definition("lost", "missing", **test)),
        night(
            12,
            *others,
            definition("last", "drifted", created_at="2026-11-05T20:11:00Z"),
            definition("lost", "missing", **test),
            definition("extra", "unmanaged", source=None),
            definition("shy", "error"),
        ),
    ]


def keep(folder: Path, *documents: Document) -> list[str]:
    """Keep documents in a store; the runs' names."""
    store = open_store(folder, lambda line: None)
    return [store.add(each).text for each in documents]


class Links(HTMLParser):
    """What a page leads to and needs, as it is written, and the ids that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take over what an element names."""
        found = dict(attrs)
        self.links += [found[name] or "" for name in ("href", "src") if name in found]
        if found.get("id"):
            self.ids.add(str(found["id"]))


def reached(site: Path) -> tuple[set[str], list[str]]:
    """All pages to which the front page leads, with its script, and the links that lead nowhere."""
    found: dict[Path, Links] = {}
    wrong: list[str] = []
    front = site / "index.html"
    left = [front, *(site / page for page in listed(site))] if front.exists() else []
    while left:
        file = left.pop()
        if not file.is_file() or not file.resolve().is_relative_to(site.resolve()):
            wrong.append(str(file.relative_to(site)))
        elif file not in found and file.suffix == ".html":
            found[file] = Links(file.read_text("utf-8"))
            addresses = [urlsplit(link) for link in found[file].links]
            left += [
                Path(os.path.normpath(file.parent / unquote(each.path)))
                for each in addresses
                if each.path and not each.scheme
            ]
    for file, page in found.items():
        for link in page.links:
            address = urlsplit(link)
            to = Path(os.path.normpath(file.parent / unquote(address.path))) if address.path else file
            place = unquote(address.fragment)
            if not address.scheme and place and to in found and place not in found[to].ids:
                wrong.append(f"{file.relative_to(site)}: {link} has no such place")
    return {file.relative_to(site).as_posix() for file in found}, wrong


def broken(site: Path) -> list[str]:
    """The links that lead nowhere, of all pages to which the front page leads."""
    return reached(site)[1]


def data(site: Path) -> Any:
    """The definitions that the front page has for its script."""
    text = (site / "index.html").read_text("utf-8")
    return json.loads(
        text.partition('<script type="application/json" id="data">')[2].partition("</script>")[0]
    )


def listed(site: Path) -> list[str]:
    """The definitions' pages as the front page's script makes their addresses."""
    if not (site / "index.html").exists():
        return []
    found = data(site)
    return [
        "/".join(
            (
                "definitions",
                found["targets"][row[2]][1],
                found["kinds"][row[1]][1],
                f"{row[6] if len(row) > 6 else row[0]}.html",
            )
        )
        for row in found["rows"]
    ]

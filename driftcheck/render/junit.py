"""The report as JUnit XML, in the dialect of Jenkins' ``junit-10.xsd``.

There is a suite per target and a case per definition. A drifted or missing definition is a failure, one
without a trustworthy answer an error. One that no file declares is skipped, since it does not fail a run, and
so is one that waits for the rollout of the change that is looked at.
The schema has no place for a case's file and line: they are in the failure's text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from driftcheck.document.origins import group
from driftcheck.render.common import (
    error_text,
    invalid_text,
    plural,
    read_text,
    source_text,
    verdict,
    visible,
)
from driftcheck.render.origins import REMARKS, ROLLOUTS
from driftcheck.render.text import change_sections, resource_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftcheck.document.entries import Document, ErrorEntry, ResourceEntry
    from driftcheck.render import Style

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
_SINCE = {"new": "; introduced by this change", "before": "; existed before this change"}
_OUTCOMES = {"drifted": "failure", "missing": "failure", "unmanaged": "skipped", "error": "error"}


def render(document: Document, _style: Style) -> str:
    """The report as an XML document; warnings and an early end of the run are in a suite ``driftcheck``."""
    root = ET.Element("testsuites", name="driftcheck")
    for name in _target_names(document):
        suite = ET.SubElement(root, "testsuite", name=visible(name))
        for target in document["targets"]:
            if target["name"] == name and target["error"]:
                _add_error(suite, f"target.{name}", f"target {name}", target["error"])
        for resource in document["resources"]:
            if resource["target"] == name:
                _add_case(suite, resource)
    _add_run(root, document)
    for suite in root:
        suite.set("timestamp", visible(document["started_at"].removesuffix("Z")))
        _count(suite, [suite])
    _count(root, list(root))
    ET.indent(root)
    return f"{_DECLARATION}\n{ET.tostring(root, encoding='unicode')}\n"


def _target_names(document: Document) -> Iterable[str]:
    return dict.fromkeys(
        [target["name"] for target in document["targets"]]
        + [resource["target"] for resource in document["resources"]]
    )


def _add_case(suite: ET.Element, resource: ResourceEntry) -> None:
    classname = f"{resource['kind']}.{resource['target']}"
    case = ET.SubElement(suite, "testcase", name=visible(resource["name"]), classname=visible(classname))
    outcome = _OUTCOMES.get(resource["status"])
    if outcome is None:
        return
    if group(resource) == "rollout":
        outcome = "skipped"
    detail = ET.SubElement(case, outcome, type=resource["status"], message=_message(resource))
    detail.text = "\n".join(resource_lines(resource))


def _message(resource: ResourceEntry) -> str:
    of = group(resource)
    if of == "rollout":
        return f"{ROLLOUTS[resource['status']]}: {REMARKS[resource['status']]}"
    since = _SINCE.get(of or "", "")
    match resource["status"]:
        case "drifted":
            count = plural(len(resource["differences"]), "difference")
            return f"drifted: {count}; must be replaced{since}"
        case "missing":
            return f"missing: AWS has no such definition{since}"
        case "unmanaged":
            return f"unmanaged: no file declares it{since}"
        case _:
            return error_text(resource["error"]) if resource["error"] else "error"


def _add_error(suite: ET.Element, classname: str, name: str, error: ErrorEntry) -> None:
    case = ET.SubElement(suite, "testcase", name=visible(name), classname=visible(classname))
    ET.SubElement(case, "error", type=visible(error["code"]), message=error_text(error))


def _add_run(root: ET.Element, document: Document) -> None:
    if document["complete"] and not document["warnings"] and "base" not in document:
        return
    suite = ET.SubElement(root, "testsuite", name="driftcheck")
    if not document["complete"]:
        error: ErrorEntry = {"code": "incomplete", "message": read_text(document) or verdict(document)}
        _add_error(suite, "driftcheck", "run", error)
    for each in document.get("invalid", ()):
        _add_error(suite, "driftcheck", "desired state", {"code": "invalid", "message": invalid_text(each)})
    if "base" in document:
        ET.SubElement(suite, "system-out").text = "\n\n".join(map("\n".join, change_sections(document)))
    if document["warnings"]:
        ET.SubElement(suite, "system-err").text = "\n".join(
            " ".join(
                [
                    f"warning {visible(warning['code'])}:",
                    *([f"{source_text(warning['source'])}:"] if warning["source"] else []),
                    visible(warning["message"]),
                ]
            )
            for warning in document["warnings"]
        )


def _count(element: ET.Element, suites: list[ET.Element]) -> None:
    kinds = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error"}
    if element.tag == "testsuite":
        kinds["skipped"] = "testcase/skipped"
    for attribute, path in kinds.items():
        element.set(attribute, str(sum(len(suite.findall(path)) for suite in suites)))

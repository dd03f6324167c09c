"""The report as JUnit XML, in the dialect of Jenkins' ``junit-10.xsd``.

There is a suite per target and a case per definition. What kept several from being read is told in a case of
its own, to which theirs point. A drifted or missing definition is a failure, one
without a trustworthy answer an error. One that no file declares is skipped, since it does not fail a run, and
so is one that waits for the rollout of the change that is looked at.
The schema has no place for a case's file and line: they are in the failure's text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from driftcheck.causes import causes_of
from driftcheck.document.origins import group
from driftcheck.render.common import (
    absence_texts,
    error_text,
    invalid_text,
    plural,
    read_text,
    scope_text,
    source_text,
    verdict,
    visible,
)
from driftcheck.render.origins import REMARKS, ROLLOUTS
from driftcheck.render.text import cause_lines, change_sections, resource_lines
from driftcheck.render.unread import cause_text, title_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftcheck.causes import Cause, Key
    from driftcheck.document.entries import Document, ErrorEntry, ResourceEntry
    from driftcheck.render import Style

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
_SINCE = {"new": "; introduced by this change", "before": "; existed before this change"}
_OUTCOMES = {"drifted": "failure", "missing": "failure", "unmanaged": "skipped", "error": "error"}


def render(document: Document, _style: Style) -> str:
    """The report as an XML document; warnings and an early end of the run are in a suite ``driftcheck``."""
    root = ET.Element("testsuites", name=f"driftcheck{scope_text(document)}")
    suites = {name: ET.SubElement(root, "testsuite", name=visible(name)) for name in _target_names(document)}
    for name, suite in suites.items():
        _add_place(suite, document, name)
    told = _add_causes(suites, causes_of(document))
    for resource in document["resources"]:
        key = resource["kind"], resource["target"], resource["name"]
        _add_case(suites[resource["target"]], resource, told.get(key))
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


def _add_place(suite: ET.Element, document: Document, name: str) -> None:
    """Say where a target is, in the properties of its suite."""
    for target in document["targets"]:
        if target["name"] == name:
            properties = ET.SubElement(suite, "properties")
            for key, value in (("account", target["account"]), ("region", target["region"])):
                ET.SubElement(properties, "property", name=key, value=visible(value or "not known"))
            if scope := scope_text(document):
                ET.SubElement(properties, "property", name="scope", value=scope[2:-1])


def _add_causes(suites: Mapping[str, ET.Element], causes: Iterable[Cause]) -> dict[Key, str]:
    """Add a case for each cause that is not of one definition alone; give the name of each definition's."""
    told: dict[Key, str] = {}
    names: set[tuple[str, str]] = set()
    for cause in causes:
        if len(cause.keys) == 1:
            continue
        name, number = f"target {cause.target}: {cause.code}", 1
        while (cause.target, name) in names:
            number += 1
            name = f"target {cause.target}: {cause.code} ({number})"
        names.add((cause.target, name))
        case = ET.SubElement(
            suites[cause.target], "testcase", name=visible(name), classname=visible(f"target.{cause.target}")
        )
        message = f"{title_text(cause)}: {cause_text(cause)}"
        error = ET.SubElement(case, "error", type=visible(cause.code), message=message)
        error.text = "\n".join(cause_lines(cause))
        told |= dict.fromkeys(cause.keys, name)
    return told


def _add_case(suite: ET.Element, resource: ResourceEntry, told: str | None) -> None:
    classname = f"{resource['kind']}.{resource['target']}"
    case = ET.SubElement(suite, "testcase", name=visible(resource["name"]), classname=visible(classname))
    outcome = _OUTCOMES.get(resource["status"])
    if outcome is None:
        return
    if group(resource) == "rollout":
        outcome = "skipped"
    if told is not None:
        ET.SubElement(case, outcome, type=resource["status"], message=visible(f"not compared: see {told}"))
        return
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
    absent = [f"warning: {text}" for text in absence_texts(document)]
    if document["complete"] and not document["warnings"] and "base" not in document and not absent:
        return
    suite = ET.SubElement(root, "testsuite", name="driftcheck")
    if not document["complete"]:
        error: ErrorEntry = {"code": "incomplete", "message": read_text(document) or verdict(document)}
        _add_error(suite, "driftcheck", "run", error)
    for each in document.get("invalid", ()):
        _add_error(suite, "driftcheck", "desired state", {"code": "invalid", "message": invalid_text(each)})
    if "base" in document:
        ET.SubElement(suite, "system-out").text = "\n\n".join(map("\n".join, change_sections(document)))
    warnings = (
        " ".join(
            [
                f"warning {visible(warning['code'])}:",
                *([f"{source_text(warning['source'])}:"] if warning["source"] else []),
                visible(warning["message"]),
            ]
        )
        for warning in document["warnings"]
    )
    if text := "\n".join([*absent, *warnings]):
        ET.SubElement(suite, "system-err").text = text


def _count(element: ET.Element, suites: list[ET.Element]) -> None:
    kinds = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error"}
    if element.tag == "testsuite":
        kinds["skipped"] = "testcase/skipped"
    for attribute, path in kinds.items():
        element.set(attribute, str(sum(len(suite.findall(path)) for suite in suites)))

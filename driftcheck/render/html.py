"""The report as one self-contained HTML page: no request leaves it, nothing in it can act.

What the page says and how it looks is in ``templates/report.html.j2``, ``report.css`` and ``report.js``;
here is what they ask for. Texts of the document stay as they are until the template escapes them.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from driftcheck.causes import causes_of
from driftcheck.document.origins import group, groups, has_origins
from driftcheck.redact import MASK
from driftcheck.render.common import (
    absence_texts,
    invalid_text,
    path_text,
    percent,
    plural,
    read_text,
    scope_text,
    time_text,
    unmanaged_text,
    value_text,
    visible,
)
from driftcheck.render.origins import (
    ROLLOUTS,
    as_difference,
    base_text,
    change_counts,
    declaration_text,
    live_text,
    origin_text,
    rollout_text,
)
from driftcheck.render.templates_ import render_template
from driftcheck.render.unread import first_names, predicate, subject_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftcheck.document.entries import Document, ResourceEntry, Summary
    from driftcheck.model import Json
    from driftcheck.render import Style

    _Status = Literal["drifted", "missing", "error", "unmanaged", "in_sync"]

_CONSOLES = {"aws": "aws.amazon.com", "aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com"}
_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sagemaker:([a-z0-9-]+):[0-9]{12}:[a-z-]+/[A-Za-z0-9-]+")

_LEAST_SHARE = 0.012

STATUSES: tuple[tuple[_Status, str, str], ...] = (
    ("drifted", "~", "drifted"),
    ("missing", "\N{MINUS SIGN}", "missing"),
    ("error", "!", "error"),
    ("unmanaged", "+", "unmanaged"),
    ("in_sync", "\N{CHECK MARK}", "in sync"),
)
"""What is shown of each status, in the chart's order: (status, mark, label); the marks are Terraform's."""


def render(document: Document, style: Style) -> str:
    """The report as HTML, what needs a look first; ``style.templates`` may replace the built-in template."""
    return render_template("report.html.j2", style, **context(document, document["resources"]))


def context(document: Document, resources: Iterable[ResourceEntry]) -> dict[str, Any]:
    """What the template asks for, to show those of the document's definitions, what needs a look first."""
    order = [status for status, *_ in STATUSES]
    shown = sorted(resources, key=lambda resource: order.index(resource["status"]))
    causes = causes_of(document)
    numbers = {key: (number, cause.code) for number, cause in enumerate(causes, 1) for key in cause.keys}
    targets = {cause.target: number for number, cause in enumerate(causes, 1) if cause.of_target}
    return {
        "document": document,
        "resources": shown,
        "listed": Counter(resource["status"] for resource in shown),
        "headline": headline(document),
        "absent": absence_texts(document),
        "as_differences": lambda declaration: [as_difference(each) for each in declaration["changes"]],
        "base_text": base_text,
        "causes": causes,
        "cause_of": lambda each: numbers[each["kind"], each["target"], each["name"]],
        "cause_of_target": targets,
        "change_counts": change_counts,
        "chart": chart,
        "csp_hash": csp_hash,
        "declaration_text": declaration_text,
        "invalid_text": invalid_text,
        "live_text": live_text,
        "percent": percent,
        "read_text": read_text,
        "unmanaged": unmanaged_text(document),
        "rollouts_of": lambda declaration: [rollout_text(each) for each in declaration["changes"]],
        **DEFINITION,
    }


def headline(document: Document) -> str:
    """The outcome in a sentence: ``2 of 6 definitions have drifted, 1 is missing``."""
    return _outcome(document) + scope_text(document)


def _outcome(document: Document) -> str:
    if wrong := document.get("invalid"):
        return f"The desired state is invalid: {plural(len(wrong), 'error')}"
    summary, of = document["summary"], groups(document)
    whole = document["complete"] and not any(target["error"] for target in document["targets"])
    if not has_origins(document):
        return outcome(summary, whole=whole)
    return _told(
        summary,
        whole,
        _clause(of["new"], "has new drift", "have new drift"),
        _clause(of["before"], "had drifted before this change", "had drifted before this change"),
        _unread(summary),
        _clause(of["rollout"], "waits for its rollout", "wait for their rollout"),
    )


def outcome(summary: Summary, *, whole: bool) -> str:
    """The counts in a sentence; ``whole`` tells that every target was read to its end."""
    return _told(
        summary,
        whole,
        _clause(summary["drifted"], "has drifted", "have drifted"),
        _clause(summary["missing"], "is missing", "are missing"),
        _unread(summary),
    )


def anchor(resource: ResourceEntry) -> str:
    """The ``id`` of a definition in the page: ``kind/target/name``."""
    return visible(f"{resource['kind']}/{resource['target']}/{resource['name']}")


def fragment(resource: ResourceEntry) -> str:
    """The percent-encoded link, within the page, to a definition: ``#kind/target/name``."""
    return "#" + quote(anchor(resource))


def console_link(arn: str | None) -> str | None:
    """The AWS console's address for a definition, or None unless the ARN is one of SageMaker's.

    This is the form of AWS's links by ARN, which the console resolves by itself; no page of AWS's
    documentation says it for each kind of resource.
    """
    parts = _ARN.fullmatch(arn or "")
    if parts is None:
        return None
    partition, region = parts.groups()
    return f"https://{region}.console.{_CONSOLES[partition]}/go/view?arn={quote(parts[0], safe='')}"


def csp_hash(text: str) -> str:
    """The source expression with which a Content-Security-Policy allows just this inline text."""
    return f"sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def value_lines(value: Json, sensitive: bool = False) -> list[str]:
    """A value as JSON, a block indented, with ``(sensitive)`` unquoted where something is concealed."""
    if not isinstance(value, dict | list):
        return [value_text(value, sensitive=sensitive)]
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return (text.replace(f'"{MASK}"', MASK) if sensitive else text).split("\n")


def chart(summary: Summary) -> list[tuple[str, float, float]]:
    """The segments of the chart as (status, start, width), on a line of 1000; even the smallest is seen."""
    counts = [(status, summary[status]) for status, *_ in STATUSES if summary[status]]
    total = sum(count for _, count in counts)
    widths = [max(count / total, _LEAST_SHARE) for _, count in counts]
    ends = [1000 * end / sum(widths) for end in accumulate(widths)]
    return [
        (status, round(start, 1), round(end - start, 1))
        for (status, _), start, end in zip(counts, [0.0, *ends], ends, strict=False)
    ]


def _told(summary: Summary, whole: bool, *clauses: str) -> str:
    found = [clause for clause in clauses if clause]
    if not found:
        return _nothing_found(summary["declared"], whole=whole)
    return _of_all(summary, found[0]) + "".join(f", {clause}" for clause in found[1:])


def _unread(summary: Summary) -> str:
    return _clause(summary["error"], "could not be compared", "could not be compared")


def _clause(count: int, singular: str, plural: str) -> str:
    return f"{count} {singular if count == 1 else plural}" if count else ""


def _of_all(summary: Summary, clause: str) -> str:
    count, _, verb = clause.partition(" ")
    noun = "definition" if summary["declared"] == 1 else "definitions"
    return f"{count} of {summary['declared']} {noun} {verb}"


def _nothing_found(declared: int, *, whole: bool) -> str:
    if not whole:
        return "No drift was found, but not everything could be compared"
    if not declared:
        return "Nothing is declared"
    return (
        "The one declared definition is in sync"
        if declared == 1
        else f"All {declared} definitions are in sync"
    )


DEFINITION: Mapping[str, object] = {
    "statuses": STATUSES,
    "anchor": anchor,
    "fragment": fragment,
    "console_link": console_link,
    "group": group,
    "origin_text": origin_text,
    "rollouts": ROLLOUTS,
    "first_names": first_names,
    "predicate": predicate,
    "subject_pieces": subject_pieces,
    "value_lines": value_lines,
    "path_text": path_text,
    "time_text": time_text,
}
"""What ``macros.html.j2`` asks for."""

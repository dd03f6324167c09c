"""No secret reaches any rendering: from a definition, through the result document, to each of the formats."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftcheck.document import document, loads
from driftcheck.model import PathPattern, Report, Status, TargetReading
from driftcheck.render import FORMATS, render
from tests.property.shapes import (
    ABSENT,
    KIND_NAMES,
    Place,
    blocks,
    changed,
    definitions,
    found,
    leaves,
    pattern,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.document.entries import Document
    from driftcheck.model import Finding, Path

# Whichever way a format escapes a secret, its letters stay in one piece.
DESIRED, LIVE = "tulipomania", "daffodilly"
WRAPPED = "a<\"&'%20 é\n|`/{}"
NOW = datetime(2026, 11, 24, 2, 17, tzinfo=UTC)
MASK = "(sensitive)"


def result(*findings: Finding) -> Document:
    return document(Report(NOW, NOW, True, (TargetReading("prod", "123456789012", "eu-west-1"),), findings))


def shown(made: Document) -> Iterator[tuple[str, str]]:
    for name in FORMATS:
        yield name, render(made, name)


def assert_kept(*findings: Finding, secrets: tuple[str, ...] = (DESIRED, LIVE)) -> None:
    """No rendering of these findings has a secret in it, and each of them says that something is hidden."""
    made = result(*findings)
    for name, text in shown(made):
        for secret in secrets:
            assert secret not in text.lower(), name
    for finding in findings:
        assert any(difference.sensitive for difference in finding.differences), finding
    assert made["summary"]["drifted"] == len(findings)


def secret(marker: str, place: Place) -> Any:
    return f"{WRAPPED}{marker}{WRAPPED}" if place.is_text else place.value


def sides(kind: str, place: Place) -> Iterator[tuple[Any, Any]]:
    """Secrets at a place that differ, that live lacks, and that desired lacks."""
    definition = whole(kind)
    desired = changed(definition, place.path, secret(DESIRED, place))
    live = changed(definition, place.path, secret(LIVE, place))
    yield desired, live
    yield desired, changed(definition, place.path, ABSENT)
    yield changed(definition, place.path, ABSENT), live


def texts(kind: str) -> list[Place]:
    return [place for place in leaves(kind, whole(kind)) if place.is_text]


def test_the_markers_would_be_seen() -> None:
    """A rendering of the same differences without any rule has the secrets in it, in every format."""
    place = texts(KIND_NAMES[0])[0]
    for name, text in shown(result(found(KIND_NAMES[0], *next(sides(KIND_NAMES[0], place))))):
        assert DESIRED in text, name
        assert LIVE in text, name


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_what_a_file_calls_sensitive_is_shown_nowhere(kind: str, depth: int) -> None:
    """Each text of the kind, by its path and by those of the blocks that it stands in."""
    findings = []
    for number, place in enumerate(texts(kind)):
        rule = pattern(place.path[: len(place.path) - depth] or place.path)
        for turn, (desired, live) in enumerate(sides(kind, place)):
            findings.append(found(kind, desired, live, sensitive=(rule,), name=f"d-{number}-{turn}"))
    assert {finding.status for finding in findings} == {Status.DRIFTED}
    assert_kept(*findings)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_what_any_index_or_key_names_is_shown_nowhere(kind: str) -> None:
    findings = []
    for number, place in enumerate(texts(kind)):
        steps = tuple(None if isinstance(step, int) else step for step in place.path)
        for turn, rule in enumerate((pattern(steps), pattern((*steps[:-1], None)))):
            for desired, live in sides(kind, place):
                findings.append(found(kind, desired, live, sensitive=(rule,), name=f"d-{number}-{turn}"))
    assert_kept(*findings)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_credential_is_shown_nowhere_wherever_it_stands(kind: str) -> None:
    key = "AKIA{}EXAMPLE"
    one, two = key.format("TULIPTULI"), key.format("DAFFODILL")
    findings = []
    for number, place in enumerate(texts(kind)):
        for desired, live in ((one, two), (one, "seen"), ("seen", two), (one, ABSENT), (ABSENT, two)):
            sides = (changed(whole(kind), place.path, value) for value in (desired, live))
            findings.append(found(kind, *sides, name=f"d-{number}"))
    # where one side has a credential, what the other side has is not shown either
    assert_kept(*findings, secrets=("tuliptuli", "daffodill", "seen"))


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("key", ["DB_PASSWORD", "clientSecret", "HF_TOKEN", "ApiKey", "CREDENTIALS"])
def test_an_environment_value_under_a_speaking_key_is_shown_nowhere(kind: str, key: str) -> None:
    (environment,) = (place for place in blocks(kind, whole(kind)) if place.path[-1] == "Environment")
    path = (*environment.path, key)
    desired, live = (changed(whole(kind), path, WRAPPED + marker) for marker in (DESIRED, LIVE))
    without = changed(desired, environment.path, ABSENT)
    for sides in ((desired, live), (desired, whole(kind)), (whole(kind), live)):
        assert_kept(found(kind, *sides))
    # inside a block that one side lacks
    assert_kept(found(kind, desired, without))
    assert_kept(found(kind, without, live))
    # and where the key was renamed to one that does not speak
    renamed = changed(whole(kind), (*environment.path, "SETTING"), WRAPPED + DESIRED)
    assert_kept(found(kind, desired, renamed))
    assert_kept(found(kind, renamed, desired))


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_an_ignored_difference_keeps_its_secret(kind: str) -> None:
    for place in texts(kind)[::7]:
        desired, live = next(sides(kind, place))
        finding = found(kind, desired, live, sensitive=(pattern(place.path),), ignore=(place.path,))
        assert finding.status is Status.IN_SYNC
        (hidden,) = finding.ignored
        assert (hidden.difference.desired, hidden.difference.live) == (MASK, MASK)
        for name, text in shown(result(finding)):
            assert DESIRED not in text.lower(), name
            assert LIVE not in text.lower(), name


# six renderings are a hundred times the work of comparing
@settings(max_examples=max(1, settings().max_examples // 4))
@given(definitions(2), st.data())
def test_whatever_differs_a_sensitive_text_is_shown_nowhere(
    drawn: tuple[str, Any, Any], data: st.DataObject
) -> None:
    kind, desired, live = drawn
    place = data.draw(st.sampled_from([leaf for leaf in leaves(kind, desired) if leaf.is_text]))
    rule = PathPattern("x", tuple(place.path[: data.draw(st.integers(1, len(place.path)))]))
    desired = changed(desired, place.path, DESIRED)
    # the same secret, or its successor, at the same place of live or at any other place for a text
    others = [leaf.path for leaf in leaves(kind, live) if leaf.is_text]
    moved: Path = data.draw(st.sampled_from(others))
    live = changed(live, moved, DESIRED)
    if place.path in others:
        live = changed(live, place.path, LIVE)
    finding = found(kind, desired, live, sensitive=(rule,))
    made = result(finding)
    for name, text in shown(made):
        assert DESIRED not in text.lower(), name
        assert LIVE not in text.lower(), name
    # that it differs is reported: the document is a whole one, and says where something is concealed
    assert loads(json.dumps(made), "result")["resources"][0]["status"] == str(finding.status)
    for difference in finding.differences:
        if MASK in json.dumps([difference.desired, difference.live]):
            assert difference.sensitive
